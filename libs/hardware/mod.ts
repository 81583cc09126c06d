/**
 * What this machine has: GPUs of every vendor, software adapters that say so, processor, memory and disk, each figure with where it was read.
 *
 * {@link findHardware} runs the vendors' tools and asks Deno for a WebGPU adapter; the parsers are there for recorded output.
 *
 * @example
 * ```ts
 * import { parseNvidia } from "@haggle/hardware";
 * import { expect } from "vitest";
 *
 * const { gpus } = parseNvidia(`<nvidia_smi_log><driver_version>570.86.10</driver_version><cuda_version>12.8</cuda_version>
 *   <gpu id="00000000:01:00.0"><product_name>NVIDIA GeForce RTX 4090</product_name>
 *   <fb_memory_usage><total>24564 MiB</total><free>24210 MiB</free></fb_memory_usage></gpu></nvidia_smi_log>`);
 * expect(gpus[0]?.memMiB).toBe(24564);
 * ```
 *
 * @module
 */
export type { DeviceAccess } from './access.ts'
export { devicesFrom, type FoundDevice, type GpuReadings, type Provenance } from './devices.ts'
export { findHardware, type FindHardwareOptions, type Hardware, type HardwareNote, type RunTool, type ToolResult } from './find_hardware.ts'
export { cpuModel, cpuVendor, freeDiskMiB, type Machine, physicalCores, readMachine } from './machine.ts'
export { CAPABILITY_QUERY, explainNvidia, type NvidiaGpu, type NvidiaProblem, type NvidiaReport, parseNvidia } from './nvidia_smi.ts'
export { type AmdGpu, parseRocm, ROCM_QUERY } from './rocm_smi.ts'
export { type PriceSuggestion, suggestPrice } from './suggest_price.ts'
export { type AppleGpu, parseSystemProfiler, unifiedShareMiB } from './system_profiler.ts'
export { ADAPTER_MODULE, parseAdapter, type WebGpuAdapter } from './webgpu_adapter.ts'
