import { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { calibrateCommand } from './calibrate.js';
import { explainCommand } from './explain.js';
import { showCommand } from './show.js';

/** `armilla router`. */
export function routerCommand(context: CommandContext): Command {
  const command = new Command('router')
    .description('Show, measure and explain which device computes what (docs/router.md).')
    .addHelpText('before', EXAMPLES)
    .helpCommand(false);
  for (const make of [showCommand, calibrateCommand, explainCommand]) {
    const child = make(context).exitOverride().showSuggestionAfterError(true);
    command.addCommand(child.showHelpAfterError(`(see 'armilla router ${child.name()} --help')`));
  }
  return command;
}

const EXAMPLES = `Examples:
  armilla router explain gpu.matmul 1024
  armilla router calibrate
  armilla router show
  armilla router show --server http://127.0.0.1:7431
`;
