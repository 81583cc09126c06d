// The kernel's own word on files for a job without a sandbox: Landlock, asked for by a few lines of Perl that then become the job's program.

import { filterArch } from './seccomp.ts'

/** What is needed to ask the kernel: Perl, which is nearly everywhere, and two numbers that differ between processors. */
export interface LandlockTool {
  /** Absolute path of `perl`. */
  readonly perl: string
  /** Numbers of the system calls `openat` and `prctl`. */
  readonly openat: number
  readonly prctl: number
}

/** What a program may do beneath a path. `read`: read and start it; `write`: all but start, for its own folder; `device`: read, write and control. */
export interface LandlockRule {
  readonly may: 'read' | 'write' | 'device'
  /** Absolute path of a file or folder. One that is not there is left out, unless it is to be written. */
  readonly path: string
}

/**
 * Restricts itself, then becomes the program that follows. Landlock is 5.13's and grew: TCP (6.7) and signals and abstract sockets to outside (6.12) are
 * refused as well where the kernel can. Where it has no Landlock at all, the program runs without it; where it has one and something fails, nothing runs.
 * What it is told by variables is nobody's: the planner refuses those of Perl.
 */
const SCRIPT = `
sub fail { print STDERR "landlock: $_[0]: $!\\n"; exit 126 }
delete $ENV{PERL_BADLANG};
my ($openat, $prctl) = splice(@ARGV, 0, 2);
my $version = syscall(444, 0, 0, 1);
my $all = (1 << 13) - 1;
$all |= 1 << 13 if $version >= 2;
$all |= 1 << 14 if $version >= 3;
$all |= 1 << 15 if $version >= 5;
my $handled = pack('Q', $all);
$handled .= pack('Q', 3) if $version >= 4;
$handled .= pack('Q', 3) if $version >= 6;
my $rules = $version < 1 ? -1 : syscall(444, $handled, length($handled), 0);
fail('rules') if $version >= 1 && $rules < 0;
my %may = (read => 1 | 4 | 8, write => 2 | 4 | 8 | 16 | 32 | 128 | 256 | 8192 | 16384, device => 2 | 4 | 32768);
while (defined(my $rule = shift @ARGV)) {
  last if $rule eq '--';
  next if $version < 1;
  my ($kind, $path) = split(/:/, $rule, 2);
  my $fd = syscall($openat, -100, $path, 0x280000, 0);
  if ($fd < 0) { next if $kind ne 'write'; fail($path) }
  my $rights = $may{$kind} & $all;
  $rights &= 1 | 2 | 4 | 16384 | 32768 if !-d $path;
  my $beneath = pack('Ql', $rights, $fd);
  syscall(445, $rules, 1, $beneath, 0) == 0 or fail($path);
}
if ($version >= 1) {
  syscall($prctl, 38, 1, 0, 0, 0) == 0 or fail('privileges');
  syscall(446, $rules, 0) == 0 or fail('start');
}
exec { $ARGV[0] } @ARGV;
exit 127;
`

/** The command that runs `argv` with nothing of the file system but what the rules name. Pure. */
export function landlocked({ perl, openat, prctl }: LandlockTool, rules: readonly LandlockRule[], argv: readonly string[]): string[] {
  return [perl, '-e', SCRIPT, '--', String(openat), String(prctl), ...rules.map(({ may, path }) => `${may}:${path}`), '--', ...argv]
}

/** The command that prints the version of Landlock that the kernel has: 1 or more, -1 for none. */
export function landlockQuery({ perl }: LandlockTool): string[] {
  return [perl, '-e', 'print syscall(444, 0, 0, 1)']
}

/** Environment that goes with {@link landlocked}: Perl says nothing of a locale that is not installed. It is gone when the program runs. */
export const LANDLOCK_ENV: Readonly<Record<string, string>> = { PERL_BADLANG: '0' }

/** The tool of a machine with this Perl; null where it is not Linux, or the processor is unknown. */
export function landlockTool(perl: string | null, on: { readonly platform: string; readonly arch: string }): LandlockTool | null {
  if (perl === null || on.platform !== 'linux') return null
  const arch = filterArch(on.arch)
  if (arch === null) return null
  return { perl, openat: arch === 'x64' ? 257 : 56, prctl: arch === 'x64' ? 157 : 167 }
}
