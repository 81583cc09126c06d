import { describe, expect, it } from 'vitest'
import { explainNvidia, parseNvidia } from './nvidia_smi.ts'

/** Recorded on driver 535 with an A100 in four MIG slices, cut to two slices and to the parts that tell devices apart. */
const A100_MIG = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log>
    <timestamp>Fri Aug  4 11:44:30 2023</timestamp>
    <driver_version>535.54.03</driver_version>
    <cuda_version>12.2</cuda_version>
    <attached_gpus>4</attached_gpus>
    <gpu id="00000000:01:00.0">
        <product_name>NVIDIA A100-SXM4-80GB</product_name>
        <product_architecture>Ampere</product_architecture>
        <mig_mode>
            <current_mig>Enabled</current_mig>
            <pending_mig>Enabled</pending_mig>
        </mig_mode>
        <mig_devices>
            <mig_device>
                <index>0</index>
                <gpu_instance_id>3</gpu_instance_id>
                <compute_instance_id>0</compute_instance_id>
                <fb_memory_usage>
                    <total>19968 MiB</total>
                    <reserved>0 MiB</reserved>
                    <used>12 MiB</used>
                    <free>19955 MiB</free>
                </fb_memory_usage>
            </mig_device>
            <mig_device>
                <index>1</index>
                <gpu_instance_id>4</gpu_instance_id>
                <compute_instance_id>0</compute_instance_id>
                <fb_memory_usage>
                    <total>19968 MiB</total>
                    <reserved>0 MiB</reserved>
                    <used>12 MiB</used>
                    <free>19955 MiB</free>
                </fb_memory_usage>
            </mig_device>
        </mig_devices>
        <uuid>GPU-513536b6-7d19-9063-b049-1e69664bb298</uuid>
        <minor_number>1</minor_number>
        <fb_memory_usage>
            <total>81920 MiB</total>
            <reserved>869 MiB</reserved>
            <used>50 MiB</used>
            <free>80999 MiB</free>
        </fb_memory_usage>
        <gpu_power_readings>
            <power_state>P0</power_state>
            <power_draw>67.03 W</power_draw>
            <current_power_limit>500.00 W</current_power_limit>
        </gpu_power_readings>
    </gpu>
</nvidia_smi_log>
`
const A100_LIST = `GPU 0: NVIDIA A100-SXM4-80GB (UUID: GPU-513536b6-7d19-9063-b049-1e69664bb298)
  MIG 1g.20gb     Device  0: (UUID: MIG-4f7a1a2e-0000-5f0f-8b5b-000000000003)
  MIG 1g.20gb     Device  1: (UUID: MIG-4f7a1a2e-0000-5f0f-8b5b-000000000004)
`

/** The same report with the figures that an RTX 4090 and two H100 give. */
function report(...gpus: { name: string; total: number; free: number; minor: string; mig?: string }[]): string {
  const bodies = gpus.map(
    ({ name, total, free, minor, mig = 'N/A' }, index) => `    <gpu id="00000000:0${index + 1}:00.0">
        <product_name>${name}</product_name>
        <mig_mode>
            <current_mig>${mig}</current_mig>
            <pending_mig>${mig}</pending_mig>
        </mig_mode>
        <mig_devices>
            None
        </mig_devices>
        <uuid>GPU-0000000${index}</uuid>
        <minor_number>${minor}</minor_number>
        <fb_memory_usage>
            <total>${total} MiB</total>
            <reserved>500 MiB</reserved>
            <used>${total - free} MiB</used>
            <free>${free} MiB</free>
        </fb_memory_usage>
        <bar1_memory_usage>
            <total>32768 MiB</total>
            <used>1 MiB</used>
            <free>32767 MiB</free>
        </bar1_memory_usage>
        <power_readings>
            <power_limit>450.00 W</power_limit>
        </power_readings>
    </gpu>
`,
  )
  return `<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log>
    <driver_version>570.211.01</driver_version>
    <cuda_version>12.8</cuda_version>
    <attached_gpus>${gpus.length}</attached_gpus>
${bodies.join('')}</nvidia_smi_log>
`
}

describe('parseNvidia()', () => {
  it('parseNvidia() reads a card, its driver and what is free when there is one', () => {
    const { gpus } = parseNvidia(report({ name: 'NVIDIA GeForce RTX 4090', total: 24564, free: 24210, minor: '0' }), {
      capabilities: '0, 8.9\n',
    })
    expect(gpus).toEqual([
      {
        index: 0,
        mig: null,
        name: 'NVIDIA GeForce RTX 4090',
        uuid: 'GPU-00000000',
        minor: 0,
        bus: '00000000:01:00.0',
        memMiB: 24564,
        freeMiB: 24210,
        cc: '8.9',
        driver: '570.211.01',
        cuda: '12.8',
        powerLimitW: 450,
      },
    ])
  })

  it('parseNvidia() keeps several cards apart, each with its own capability and node', () => {
    const xml = report(
      { name: 'NVIDIA H100 80GB HBM3', total: 81559, free: 81000, minor: '0', mig: 'Disabled' },
      { name: 'NVIDIA H100 80GB HBM3', total: 81559, free: 12, minor: '1', mig: 'Disabled' },
      { name: 'Tesla K80', total: 11441, free: 11441, minor: '2' },
    )
    const { gpus } = parseNvidia(xml, { capabilities: '0, 9.0\n1, 9.0\n2, 3.7\n' })
    expect(gpus.map((gpu) => [gpu.minor, gpu.memMiB, gpu.freeMiB, gpu.cc])).toEqual([
      [0, 81559, 81000, '9.0'],
      [1, 81559, 12, '9.0'],
      [2, 11441, 11441, '3.7'],
    ])
  })

  it('parseNvidia() gives each MIG slice its own memory and uuid, and not the whole card beside them', () => {
    const { gpus, unsliced } = parseNvidia(A100_MIG, { capabilities: '0, 8.0\n', list: A100_LIST })
    expect(gpus.map((gpu) => [gpu.mig?.gpuInstance, gpu.mig?.uuid, gpu.memMiB, gpu.freeMiB, gpu.minor])).toEqual([
      [3, 'MIG-4f7a1a2e-0000-5f0f-8b5b-000000000003', 19968, 19955, 1],
      [4, 'MIG-4f7a1a2e-0000-5f0f-8b5b-000000000004', 19968, 19955, 1],
    ])
    expect(unsliced).toEqual([])
  })

  it('parseNvidia() offers nothing of a card in MIG mode when it has no slice', () => {
    const { gpus, unsliced } = parseNvidia(report({ name: 'NVIDIA H100 80GB HBM3', total: 81559, free: 81000, minor: '0', mig: 'Enabled' }))
    expect([gpus, unsliced]).toEqual([[], ['NVIDIA H100 80GB HBM3']])
  })

  it('parseNvidia() leaves out what the driver does not say', () => {
    const xml = report({ name: 'NVIDIA GeForce RTX 4090', total: 24564, free: 24000, minor: 'N/A' }).replace('24000 MiB', 'N/A')
    const [gpu] = parseNvidia(xml, { capabilities: 'Field "compute_cap" is not a valid field to query.' }).gpus
    expect([gpu?.minor, gpu?.freeMiB, gpu?.cc]).toEqual([null, null, null])
    expect(parseNvidia('').gpus).toEqual([])
  })
})

describe('explainNvidia()', () => {
  it('explainNvidia() sees no problem when there is no NVIDIA GPU', () => {
    expect(explainNvidia('', true)).toBeNull()
    expect(explainNvidia('No devices were found\n', false)).toBeNull()
  })

  it('explainNvidia() names the next step when kernel and libraries differ', () => {
    const said = 'Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 580.173\n'
    expect(explainNvidia(said, false)).toMatchObject({ next: 'restart the machine' })
  })

  it('explainNvidia() tells a driver that is not loaded from other failures', () => {
    const said =
      "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.\n"
    expect(explainNvidia(said, false)?.problem).toContain('not loaded')
    const lost = 'Unable to determine the device handle for GPU 0000:01:00.0: GPU is lost.  Reboot the system to recover this GPU\n'
    expect(explainNvidia(lost, false)?.problem).toContain('dropped off its bus')
    expect(explainNvidia('Segmentation fault\n', false)?.problem).toBe('nvidia-smi fails: Segmentation fault')
  })
})
