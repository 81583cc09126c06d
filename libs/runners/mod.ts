/**
 * Runs jobs of strangers: planners for the `deno` and `exec` runners, and the launcher process that owns jobs and their output.
 *
 * {@link startLauncher} gives a `JobHost` whose jobs outlive the agent; {@link denoRunner} and {@link execRunner} say how a job is started,
 * {@link seccompFilter} which system calls it has, and {@link probeSandbox} what works on this machine.
 *
 * @example
 * ```ts
 * import { startLauncher } from "@haggle/runners";
 * import { mkdtempSync, rmSync } from "node:fs";
 * import { expect } from "vitest";
 *
 * const home = mkdtempSync("/tmp/haggle-example-");
 * const host = await startLauncher({ home });
 * try {
 *   const id = "ab".repeat(32);
 *   if ((await host.runners()).some(({ runner }) => runner === "exec")) {
 *     await host.prepare({
 *       id,
 *       spec: { runner: "exec", args: ["echo", "hello"], env: {}, files: [], inline: [], stdin: false, outputs: [] },
 *       limits: { cpuMilli: 1000, memMiB: 128, diskMiB: 64, outMiB: 1, pids: 16, maxMs: 60_000 },
 *       devices: [],
 *       isolation: "bubblewrap",
 *     });
 *     await host.start(id);
 *     expect(await host.wait(id)).toEqual({ kind: "exit", code: 0 });
 *   }
 * } finally {
 *   await host.shutdown();
 *   rmSync(home, { recursive: true });
 * }
 * ```
 *
 * @module
 */
export type { Defences, HostFacts, Isolation, LaunchPlan, PlanRequest, Runner } from './runner.ts'
export { denoRunner } from './deno_runner.ts'
export { execRunner } from './exec_runner.ts'
export { findDeno, type HostPaths, readHostFacts, testHostFacts } from './host_facts.ts'
export type { KeeperRule, KeeperTool, Keeping } from './keeper.ts'
export { type FilterArch, filterArch, refusedCalls, seccompFilter } from './seccomp.ts'
export { probeSandbox, type SandboxReport } from './probe.ts'
export { connectLauncher, launcherFolder, type LauncherHost, type LauncherHostInit, startLauncher } from './launcher_host.ts'
export { createLauncher, type Launcher, type LauncherInit } from './launcher.ts'
export type { Enforcement } from './launcher_protocol.ts'
export { folderJobFiles, type FolderJobFilesInit, listOutputs, openOutput, stageFile, stageInline } from './job_files.ts'
export { openBeneath, type BeneathOptions } from './beneath.ts'
