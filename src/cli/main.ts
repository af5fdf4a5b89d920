#!/usr/bin/env node
/**
 * The fusecast command. Exit codes: 0 ok, 1 budget failed, 2 usage or input error, 3 inconclusive, 4 service error.
 */
import { Command, CommanderError } from 'commander';
import { BackupError } from '../backup/backup-error';
import { ConfigError } from '../config';
import { ENGINE_VERSION, EngineError } from '../engine';
import { StorageError } from '../storage/object-store';
import { addAdminCommands } from './admin-commands';
import { addBatchCommand } from './batch-commands';
import { addCalibrateCommands } from './calibrate-commands';
import { addCheckCommand } from './check-commands';
import { ServiceError } from './client';
import { addCompareCommands } from './compare-commands';
import { addDemoCommand } from './demo';
import { addEngineCommands } from './engine-commands';
import { addMeasureNextCommand } from './measure-next-commands';
import { createOutput, type Output } from './output';
import { MeasurementError } from './profile/measurement-error';
import { addRulesCommands } from './rules-commands';
import { addServiceCommands } from './service-commands';
import { addVersionCommands } from './version-commands';
import { addWhatIfCommand } from './what-if-commands';

const USAGE = 2;
const SERVICE = 4;

function buildProgram(): { program: Command; output: () => Output } {
  const program = new Command('fusecast')
    .description('predicts how long a neural network takes on a device, kernel by kernel')
    .version(ENGINE_VERSION)
    .option('--json', 'machine-readable result on standard output, everything else on standard error')
    .enablePositionalOptions();
  let output: Output | undefined;
  const getOutput = () => {
    output ??= createOutput(program.opts().json === true);
    return output;
  };
  addEngineCommands(program, getOutput);
  addRulesCommands(program, getOutput);
  addServiceCommands(program, getOutput);
  addBatchCommand(program, getOutput);
  addCheckCommand(program, getOutput);
  addVersionCommands(program, getOutput);
  addWhatIfCommand(program, getOutput);
  addMeasureNextCommand(program, getOutput);
  addCompareCommands(program, getOutput);
  addCalibrateCommands(program, getOutput);
  addAdminCommands(program, getOutput);
  addDemoCommand(program, getOutput);
  // --json may stand behind the command too.
  const everywhere = (command: Command) => {
    command.exitOverride();
    if (command !== program)
      command.option('--json', 'machine-readable result', () => program.setOptionValue('json', true));
    command.commands.forEach(everywhere);
  };
  everywhere(program);
  return { program, output: getOutput };
}

/** What the system says of a file that it does not read or write, and what to do. */
const FILE_PROBLEMS: ReadonlyMap<string, readonly [string, string]> = new Map([
  ['ENOENT', ['there is no such file or folder', 'Check the path.']],
  ['ENOTDIR', ['a part of the path is a file, not a folder', 'Check the path.']],
  ['EISDIR', ['this is a folder, where a file was expected', 'Name a file in it.']],
  ['ELOOP', ['symbolic links lead in a circle', 'Name the file itself, or mend the links.']],
  ['ENAMETOOLONG', ['the name is too long', 'Check the path.']],
  ['EACCES', ['the permission to read or write this is missing', 'Change its permissions, or name another.']],
  ['EPERM', ['the system does not permit this', 'Name another file.']],
  ['EROFS', ['nothing can be written here', 'Name another folder.']],
  ['ENOSPC', ['the disk is full', 'Make room, or name another folder.']],
  ['EEXIST', ['the file exists, and is not overwritten', 'Name another file, or delete this one.']],
  ['ERR_FS_FILE_TOO_LARGE', ['the file is larger than the 2 GiB that are read', 'Split it, or leave weights out.']],
]);

/** What a person reads of a failure, and the exit code. */
function describeFailure(error: unknown): {
  code: string;
  message: string;
  where?: string;
  remedy?: string;
  problems?: EngineError['problems'];
  problemCount?: number;
  exitCode: number;
} {
  if (error instanceof EngineError)
    return {
      code: error.code,
      message: error.message,
      where: error.where,
      remedy: error.remedy,
      ...(error.problems.length > 0 && { problems: error.problems, problemCount: error.problemCount }),
      exitCode: USAGE,
    };
  if (error instanceof ServiceError) return { ...error.failure, exitCode: error.isInput ? USAGE : SERVICE };
  if (error instanceof MeasurementError) {
    const { code, message, where, remedy, exitCode } = error;
    return { code, message, where, remedy, exitCode };
  }
  if (error instanceof BackupError || error instanceof StorageError) {
    const { code, message, where, remedy } = error;
    const isInput = error instanceof BackupError && error.code !== 'DAMAGED_OBJECTS';
    return { code, message, where, remedy, exitCode: isInput ? USAGE : SERVICE };
  }
  if (error instanceof ConfigError) return { code: 'BAD_CONFIGURATION', message: error.message, exitCode: USAGE };
  const { code, message, path: file } = error as NodeJS.ErrnoException;
  const problem = FILE_PROBLEMS.get(code ?? '');
  if (problem) {
    const [what, remedy] = problem;
    return { code: code!, message: what, where: file ?? message, remedy, exitCode: USAGE };
  }
  return {
    code: 'INTERNAL',
    message: error instanceof Error ? (error.stack ?? message) : String(error),
    exitCode: SERVICE,
  };
}

async function main(): Promise<void> {
  const { program, output } = buildProgram();
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      // commander has printed what is wrong; help and version are no errors.
      process.exitCode = error.exitCode === 0 ? 0 : USAGE;
      return;
    }
    const { exitCode, ...failure } = describeFailure(error);
    output().note(
      `error ${failure.code}: ${failure.message}${failure.where ? `\n  at ${failure.where}` : ''}${failure.remedy ? `\n  ${failure.remedy}` : ''}`,
    );
    if (program.opts().json === true) process.stdout.write(`${JSON.stringify({ error: failure }, null, 2)}\n`);
    process.exitCode = exitCode;
  }
}

void main();
