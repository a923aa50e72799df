import type { Command } from 'commander'
import { analyzeCommand } from './analyze.ts'
import { explainCommand } from './explain.ts'
import { injectCommand } from './inject.ts'
import { iptablesCommand } from './iptables.ts'
import { probeCommand } from './probe.ts'
import { proxyConfigCommand } from './proxy-config.ts'
import { runCommand } from './run.ts'
import { schemaCommand } from './schema.ts'
import { uiCommand } from './ui.ts'
import { validateCommand } from './validate.ts'

/** Every command adds itself to the program. One file each. */
export const commands: readonly ((program: Command) => void)[] = [
  analyzeCommand,
  explainCommand,
  injectCommand,
  iptablesCommand,
  probeCommand,
  proxyConfigCommand,
  runCommand,
  schemaCommand,
  uiCommand,
  validateCommand,
]
