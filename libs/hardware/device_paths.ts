// The device nodes and driver files of each device on this machine: what a sandbox must show for it.

import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import type { DeviceAccess } from './access.ts'
import type { FoundDevice } from './devices.ts'
import type { NvidiaGpu } from './nvidia_smi.ts'

/** Where Vulkan loaders look for manifests of drivers. */
const ICD_FOLDERS = [
  '/usr/share/vulkan/icd.d',
  '/etc/vulkan/icd.d',
  '/usr/local/share/vulkan/icd.d',
  '/usr/local/nvidia/share/vulkan/icd.d',
]
/** Folders of NVIDIA's libraries where they are not among the system's, as in containers. */
const NVIDIA_FOLDERS = ['/usr/local/nvidia', '/usr/lib/wsl']
/** What ROCm reads besides its libraries: the topology of its GPUs. */
const ROCM_FILES = ['/opt/rocm', '/sys/class/kfd', '/sys/class/drm', '/sys/dev/char', '/sys/devices', '/sys/bus/pci']
/** Only Vulkan: Deno's other back end would find an adapter in libraries that a job without a device can see too. */
const VULKAN_ONLY = { DENO_WEBGPU_BACKEND: 'vulkan' } as const

/** The access to one device; null for the processor, which needs none. */
export function accessTo({ device, origin }: FoundDevice): DeviceAccess | null {
  switch (origin.tool) {
    case 'nvidia-smi':
      return nvidiaAccess(device.id, origin.gpu)
    case 'rocm-smi': {
      const nodes = ['/dev/kfd', ...renderNodes(origin.gpu.bus)]
      const icds = manifests(/radeon|amd/)
      return access(device.id, nodes, [...ROCM_FILES, ...icds], { HIP_VISIBLE_DEVICES: String(origin.gpu.index), ...vulkan(icds) })
    }
    case 'webgpu': {
      const software = origin.adapter.kind === 'software'
      const icds = manifests(software ? /lvp/ : /^(?!lvp)/)
      return access(device.id, software ? [] : renderNodes(null), icds, vulkan(icds))
    }
    case 'system_profiler':
      return access(device.id, [], [], {})
    case 'cpu':
      return null
  }
}

/** Version of the API in the software driver's manifest; null when it is not installed. */
export function softwareVulkan(): string | null {
  for (const path of manifests(/lvp/)) {
    const version = /"api_version"\s*:\s*"([^"]+)"/.exec(readFileSync(path, 'utf8'))?.[1]
    if (version !== undefined) return version
  }
  return null
}

function nvidiaAccess(id: string, gpu: NvidiaGpu): DeviceAccess {
  const common = ['/dev/nvidiactl', '/dev/nvidia-uvm', '/dev/nvidia-uvm-tools', '/dev/nvidia-modeset', '/dev/dxg']
  const own = gpu.minor === null ? [] : [`/dev/nvidia${gpu.minor}`]
  const icds = manifests(/nvidia/)
  const uuid = gpu.mig === null ? gpu.uuid : gpu.mig.uuid
  const folders = NVIDIA_FOLDERS.filter((path) => existsSync(path))
  return access(id, [...own, ...common, ...renderNodes(shortBus(gpu.bus)), ...migNodes(gpu)], [...folders, ...icds], {
    ...(uuid === null ? {} : { CUDA_VISIBLE_DEVICES: uuid, NVIDIA_VISIBLE_DEVICES: uuid }),
    ...(folders.length === 0
      ? {}
      : { LD_LIBRARY_PATH: folders.map((path) => (path.endsWith('wsl') ? `${path}/lib` : `${path}/lib64`)).join(':') }),
    ...vulkan(icds),
  })
}

/** A MIG slice is opened through the nodes of its capabilities, whose numbers the driver tells. */
function migNodes({ minor, mig }: NvidiaGpu): string[] {
  if (mig === null || minor === null) return []
  const base = `/proc/driver/nvidia/capabilities/gpu${minor}/mig/gi${mig.gpuInstance}`
  return [`${base}/access`, `${base}/ci${mig.computeInstance}/access`].flatMap((path) => {
    const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
    const number = /^DeviceFileMinor:\s*(\d+)$/m.exec(text)?.[1]
    return number === undefined ? [] : [`/dev/nvidia-caps/nvidia-cap${number}`]
  })
}

/** The render nodes of one PCI device, or all of them. */
function renderNodes(bus: string | null): string[] {
  const pattern = bus === null ? '/dev/dri/renderD*' : `/sys/bus/pci/devices/${bus}/drm/renderD*`
  return globSync(pattern).map((path) => `/dev/dri/${path.split('/').at(-1) ?? ''}`)
}

/** nvidia-smi writes the domain with eight digits, the kernel with four. */
function shortBus(bus: string): string {
  return bus.toLowerCase().replace(/^0{4}(?=[0-9a-f]{4}:)/, '')
}

function manifests(name: RegExp): string[] {
  return ICD_FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => file.endsWith('.json') && name.test(file))
      .map((file) => `${folder}/${file}`),
  )
}

function vulkan(icds: readonly string[]): Record<string, string> {
  return icds.length === 0 ? {} : { VK_ICD_FILENAMES: icds.join(':'), VK_DRIVER_FILES: icds.join(':'), ...VULKAN_ONLY }
}

function access(id: string, nodes: readonly string[], readOnly: readonly string[], env: Record<string, string>): DeviceAccess {
  return {
    id,
    nodes: [...new Set(nodes)].filter((path) => existsSync(path)),
    readOnly: [...new Set(readOnly)].filter((path) => existsSync(path)),
    env,
  }
}
