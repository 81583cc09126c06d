// What a sandbox must show so that a job can use one device, and nothing besides.

/** The way to one device. Paths are absolute and existed when they were read. */
export interface DeviceAccess {
  /** Id of the device in the offer, such as `gpu0`. */
  readonly id: string
  /** Device nodes, such as `/dev/nvidia0`. */
  readonly nodes: readonly string[]
  /** Driver files and folders, read-only: libraries outside the system's, loader manifests. */
  readonly readOnly: readonly string[]
  /** Environment that makes a program find the driver and only this device. */
  readonly env: Readonly<Record<string, string>>
}
