// What a program without a sandbox starts through: a few lines of Perl that set its variables, ask the kernel to keep it to its files, and become it.

/** The tool, and what it must know of this machine. */
export interface KeeperTool {
  /** Absolute path of `perl`. */
  readonly perl: string
  /** Numbers of the system calls `openat` and `prctl` that go with Landlock; null where there can be none. */
  readonly landlock: { readonly openat: number; readonly prctl: number } | null
}

/**
 * What a program may do beneath a path. `read`: read, list and start it; `list`: list it; `write`: all but start it, for its own folder; `device`: read, write and
 * control it.
 */
export interface KeeperRule {
  readonly may: 'read' | 'list' | 'write' | 'device'
  /** Absolute path of a file or folder. One that is not there is left out, unless it is to be written. */
  readonly path: string
}

/** How a program is kept. */
export interface Keeping {
  readonly tool: KeeperTool
  /** What the kernel lets it open, where it has Landlock; null: whatever the user may. */
  readonly rules: readonly KeeperRule[] | null
  /** Its variables. They never pass through a shell: in some, an assignment to `RANDOM` runs what is written in it. */
  readonly env: Readonly<Record<string, string>>
}

/** Where the variables come from, as `NAME=VALUE` and NUL: arguments can be read by everybody on the machine. */
export const ENV_FD = 4

/**
 * Restricts itself, then becomes the program that follows. Landlock is 5.13's and grew: TCP (6.7) and signals and abstract sockets to outside (6.12) are
 * refused as well where the kernel can. Where it has no Landlock at all, the program runs without it; where it has one and something fails, nothing runs.
 */
const SCRIPT = `
sub fail { print STDERR "keeper: $_[0]: $!\\n"; exit 126 }
my ($from, $openat, $prctl) = splice(@ARGV, 0, 3);
my $version = $openat ? syscall(444, 0, 0, 1) : -1;
my $all = (1 << 13) - 1;
$all |= 1 << 13 if $version >= 2;
$all |= 1 << 14 if $version >= 3;
$all |= 1 << 15 if $version >= 5;
my $handled = pack('Q', $all);
$handled .= pack('Q', 3) if $version >= 4;
$handled .= pack('Q', 3) if $version >= 6;
my $rules = $version < 1 ? -1 : syscall(444, $handled, length($handled), 0);
fail('rules') if $version >= 1 && $rules < 0;
my %may = (read => 1 | 4 | 8, list => 8, write => 2 | 4 | 8 | 16 | 32 | 128 | 256 | 8192 | 16384, device => 2 | 4 | 32768);
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
delete @ENV{qw(PWD OLDPWD SHLVL _)};
if ($from) {
  open(my $in, '<&=', $from) or fail('variables');
  local $/ = "\\0";
  while (defined(my $one = <$in>)) {
    chomp $one;
    my ($name, $value) = split(/=/, $one, 2);
    $ENV{$name} = $value;
  }
  close $in;
}
if ($version >= 1) {
  syscall($prctl, 38, 1, 0, 0, 0) == 0 or fail('privileges');
  syscall(446, $rules, 0) == 0 or fail('start');
}
exec { $ARGV[0] } @ARGV;
print STDERR "keeper: $ARGV[0]: $!\\n";
exit 127;
`

/** The command that runs `argv` as it is to be kept. With `env`, its variables are expected on {@link ENV_FD}. Pure. */
export function keptCommand({ tool, rules }: Omit<Keeping, 'env'>, argv: readonly string[], { env }: { readonly env: boolean }): string[] {
  const numbers = rules === null || tool.landlock === null ? [0, 0] : [tool.landlock.openat, tool.landlock.prctl]
  const before = [env ? ENV_FD : 0, ...numbers].map(String)
  return [tool.perl, '-e', SCRIPT, '--', ...before, ...(rules ?? []).map(({ may, path }) => `${may}:${path}`), '--', ...argv]
}

/** What {@link ENV_FD} has to carry. */
export function envOctets(env: Readonly<Record<string, string>>): Buffer {
  return Buffer.from(
    Object.entries(env)
      .map(([name, value]) => `${name}=${value}\0`)
      .join(''),
  )
}

/** The command that prints the version of Landlock that the kernel has: 1 or more, -1 for none. Null where there can be none. */
export function landlockQuery({ perl, landlock }: KeeperTool): string[] | null {
  return landlock === null ? null : [perl, '-e', 'print syscall(444, 0, 0, 1)']
}

/** The tool of a machine with this Perl; null without one. */
export function keeperTool(perl: string | null, on: { readonly platform: string; readonly arch: string }): KeeperTool | null {
  if (perl === null) return null
  const numbers = on.arch === 'x64' ? { openat: 257, prctl: 157 } : on.arch === 'arm64' ? { openat: 56, prctl: 167 } : null
  return { perl, landlock: on.platform === 'linux' ? numbers : null }
}
