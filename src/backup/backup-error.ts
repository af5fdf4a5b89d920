/** What can be wrong with a backup, or with where one is to be written or restored: coded, for an operator. */
const BACKUP_ERROR_CODES = [
  /** Where the backup was to be written there is something already. */
  'NOT_EMPTY',
  /** A file of the backup is missing, or is not what the manifest says. */
  'DAMAGED_BACKUP',
  /** The manifest is of another format, or of another state of the migrations than the database. */
  'OTHER_VERSION',
  /** The database that is to be restored into has rows. */
  'NOT_EMPTY_SERVICE',
  /** Row-level security would hide rows from the connecting role. */
  'HIDDEN_ROWS',
  /** Rows that were read back are not those of the backup. */
  'OTHER_ROWS',
  /** Objects that rows name are missing or damaged. */
  'DAMAGED_OBJECTS',
  /** An argument of the command. */
  'BAD_INPUT',
] as const;

type BackupErrorCode = (typeof BACKUP_ERROR_CODES)[number];

export class BackupError extends Error {
  override readonly name = 'BackupError';

  constructor(
    readonly code: BackupErrorCode,
    message: string,
    readonly where: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}
