// The environment of several devices put together: lists are joined, other values must be the same for all.

import type { DeviceAccess } from '@haggle/hardware'

/** Variables that list devices, and ones that list files. */
const COMMA_LISTS = /^(?:CUDA|NVIDIA|HIP|ROCR)_VISIBLE_DEVICES$/
const COLON_LISTS = /^(?:VK_ICD_FILENAMES|VK_DRIVER_FILES|LD_LIBRARY_PATH)$/

/** What programs need in their environment to use exactly these devices. */
export function deviceEnv(devices: readonly DeviceAccess[]): Record<string, string> {
  const env: Record<string, string> = {}
  for (const device of devices) {
    for (const [name, value] of Object.entries(device.env)) {
      const separator = COMMA_LISTS.test(name) ? ',' : COLON_LISTS.test(name) ? ':' : null
      const before = env[name]
      if (before === undefined || separator === null) env[name] = value
      else env[name] = [...new Set([...before.split(separator), ...value.split(separator)])].join(separator)
    }
  }
  return env
}
