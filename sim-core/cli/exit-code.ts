/** What the shell is told. The 64–75 are BSD's sysexits. */
export const exitCode = {
  pass: 0,
  fail: 1,
  inconclusive: 2,
  usage: 64,
  badInput: 65,
  internal: 70,
  stopped: 75,
  findings: 79,
  interrupted: 130,
} as const
