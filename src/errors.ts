/**
 * Errors as the API's users see them: a closed list of codes, and the only translation into it from the engine, the
 * object store, PostgreSQL and GraphQL itself. Nothing here logs; nothing that leaves here has a stack or SQL in it.
 */
import { GraphQLError } from 'graphql';
import { ArgumentValidationError } from 'type-graphql';
import { QueryFailedError } from 'typeorm';
import { EngineError, type EngineErrorCode, type Problem } from './engine/errors';
import { StorageError, type StorageErrorCode } from './storage/object-store';

export const ERROR_CODES = [
  /** No credential, or one that is unknown, expired or revoked. */
  'UNAUTHENTICATED',
  /** The role or the key's scopes do not allow it. */
  'FORBIDDEN',
  /** There is no such thing in this team. */
  'NOT_FOUND',
  /** An argument is not what the schema or its description says. */
  'BAD_INPUT',
  /** It exists already, or is in a state that does not allow this. */
  'CONFLICT',
  /** The query is too deep, too costly, too long or has too many aliases. */
  'LIMIT_EXCEEDED',
  /** Too many requests; try again later: the header Retry-After says when. */
  'RATE_LIMITED',
  /** The team has used up what it may have of something; `Team.usage` shows of what. */
  'QUOTA_EXCEEDED',
  /** The bytes are not a well-formed file of their format. */
  'MALFORMED_FILE',
  'UNSUPPORTED_FORMAT',
  'UNSUPPORTED_OP',
  /** A dynamic dimension of a network has no binding. */
  'UNBOUND_DIMENSION',
  'INVALID_SHAPE',
  /** A row or column of a profile is not what its format says. */
  'INVALID_PROFILE',
  /** A rule file is not what its schema says. */
  'INVALID_RULES',
  /** Reading a file takes more time or memory than is allowed. */
  'LIMIT_EXCEEDED',
  /** A runtime, scenario, network or learner that was named does not exist. */
  'UNKNOWN_NAME',
  /** There is too little, or too one-sided, data to train on. */
  'INSUFFICIENT_DATA',
  /** An exported predictor does not compute what was trained. */
  'EXPORT_MISMATCH',
  'INVALID_PREDICTOR',
  /** A change of a network (a what-if) that cannot be made, because something is tied to it or the op is not there. */
  'INVALID_CHANGE',
  'CANCELLED',
  /** The stored bytes do not have the stated SHA-256. */
  'CHECKSUM_MISMATCH',
  /** The stored object does not have the stated size. */
  'SIZE_MISMATCH',
  'TOO_LARGE',
  /** The database or the object store does not answer; try again later. */
  'UNAVAILABLE',
  /** Our fault. The log has the details under the request's id. */
  'INTERNAL',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** Every code of the engine, by the code the API gives it. */
const ENGINE_CODES: Record<EngineErrorCode, ErrorCode> = {
  MALFORMED_FILE: 'MALFORMED_FILE',
  UNSUPPORTED_FORMAT: 'UNSUPPORTED_FORMAT',
  UNSUPPORTED_OP: 'UNSUPPORTED_OP',
  UNBOUND_DIMENSION: 'UNBOUND_DIMENSION',
  INVALID_SHAPE: 'INVALID_SHAPE',
  INVALID_PROFILE: 'INVALID_PROFILE',
  INVALID_RULES: 'INVALID_RULES',
  LIMIT_EXCEEDED: 'LIMIT_EXCEEDED',
  UNKNOWN_NAME: 'UNKNOWN_NAME',
  INSUFFICIENT_DATA: 'INSUFFICIENT_DATA',
  EXPORT_MISMATCH: 'EXPORT_MISMATCH',
  INVALID_PREDICTOR: 'INVALID_PREDICTOR',
  INVALID_CHANGE: 'INVALID_CHANGE',
  CANCELLED: 'CANCELLED',
};

/** Every code of the object store. A resolver that expects one (an upload that is not there) says so itself before. */
const STORAGE_CODES: Record<StorageErrorCode, ErrorCode> = {
  // A row names an object that the store does not have, or a key the service made itself is wrong: our fault.
  NOT_FOUND: 'INTERNAL',
  INVALID_KEY: 'INTERNAL',
  INVALID_ARGUMENT: 'INTERNAL',
  ALREADY_EXISTS: 'CONFLICT',
  CHECKSUM_MISMATCH: 'CHECKSUM_MISMATCH',
  SIZE_MISMATCH: 'SIZE_MISMATCH',
  TOO_LARGE: 'TOO_LARGE',
  ACCESS_DENIED: 'UNAVAILABLE',
  UNAVAILABLE: 'UNAVAILABLE',
};

/** An error that a user may see. */
export class CodedError extends GraphQLError {
  override readonly name = 'CodedError';

  /**
   * @param code one of the closed list
   * @param message what is wrong, naming the argument and its value
   * @param where the argument, file position, op or id
   * @param remedy what the user can do about it
   */
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly where?: string,
    readonly remedy?: string,
    cause?: unknown,
  ) {
    super(message, {
      extensions: { code, where, remedy },
      originalError: cause instanceof Error ? cause : undefined,
    });
  }
}

/** Too many requests or attempts. The server answers with the status 429 and the header `Retry-After`. */
export class RateLimitedError extends CodedError {
  constructor(
    message: string,
    readonly retryAfterSeconds: number,
  ) {
    super('RATE_LIMITED', message, undefined, `Try again in ${retryAfterSeconds} s.`);
  }
}

/** What is kept in a row (and shown) of a file or training that failed. */
export interface Failure {
  code: ErrorCode;
  message: string;
  where?: string;
  remedy?: string;
  /** The first of many things that are wrong in a file. */
  problems: readonly Problem[];
  /** How many there are in all. */
  problemCount: number;
}

/** Another worker has the job by now, or had: what this attempt does is of no use any more. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';

  constructor(jobId: string) {
    super(`The job ${jobId} is another worker's.`);
  }
}

/** Messages of these codes could name hosts, keys or SQL, so they are ours and general. */
function unavailable(cause: unknown): CodedError {
  return new CodedError(
    'UNAVAILABLE',
    'A server that this service depends on does not answer.',
    undefined,
    'Try again in a moment.',
    cause,
  );
}

function internal(cause: unknown): CodedError {
  return new CodedError(
    'INTERNAL',
    'Something went wrong on our side.',
    undefined,
    'Try again; if it stays, report the request id.',
    cause,
  );
}

const CONNECTION_FAULTS: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** The SQLSTATE of a row that there is already. */
export const UNIQUE_VIOLATION = '23505';

/** What PostgreSQL says of texts that a file can hold and it cannot: character_not_in_repertoire, untranslatable_character. */
const UNSTORABLE_TEXT: ReadonlySet<string> = new Set(['22021', '22P05']);

/** SQLSTATE of a failed statement, or undefined. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof QueryFailedError)) return undefined;
  const { code } = error.driverError as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

function isConnectionFault(error: Error): boolean {
  const code = sqlState(error) ?? (error as { code?: unknown }).code;
  // Classes 08 (connection), 53 (resources), 57P (shutdown); pg's own text where it gives no code.
  if (typeof code === 'string' && (CONNECTION_FAULTS.has(code) || /^(08|53|57P)/.test(code))) return true;
  return /Connection terminated|timeout exceeded when trying to connect/.test(error.message);
}

function fromValidation(error: ArgumentValidationError): CodedError {
  const lines: string[] = [];
  const fields: string[] = [];
  // A validator that threw says so with something else than a list.
  if (!Array.isArray(error.extensions.validationErrors)) return internal(error);
  const visit = (problems: ArgumentValidationError['extensions']['validationErrors'], path: string) => {
    for (const problem of problems) {
      const field = path ? `${path}.${problem.property}` : problem.property;
      const messages = Object.values(problem.constraints ?? {});
      if (messages.length > 0) {
        fields.push(field);
        lines.push(...messages);
      }
      visit(problem.children ?? [], field);
    }
  };
  visit(error.extensions.validationErrors, '');
  return new CodedError('BAD_INPUT', `${lines.join('; ')}.`, fields.join(', '));
}

/** graphql-armor's and the parser's refusals have no code of their own that would survive Apollo Server. */
const LIMIT_MESSAGE = /limit of \d+ exceeded|contains more that \d+ tokens/;

function fromGraphQL(error: GraphQLError, code: unknown): CodedError {
  if (error.originalError) return toCodedError(error.originalError);
  if (code === 'INTERNAL_SERVER_ERROR') return internal(error);
  if (LIMIT_MESSAGE.test(error.message)) {
    return new CodedError(
      'LIMIT_EXCEEDED',
      error.message.replace('Syntax Error: ', ''),
      'query',
      'Ask for less at a time.',
    );
  }
  return new CodedError('BAD_INPUT', error.message);
}

/**
 * The error a user may see for anything that was thrown. What is not known is INTERNAL, with a general message.
 * @param graphqlCode the code that Apollo Server gave an error of GraphQL itself (syntax, validation, variables)
 */
export function toCodedError(error: unknown, graphqlCode?: unknown): CodedError {
  if (error instanceof CodedError) return error;
  if (error instanceof EngineError) {
    return new CodedError(ENGINE_CODES[error.code], error.message, error.where, error.remedy, error);
  }
  if (error instanceof StorageError) {
    const code = STORAGE_CODES[error.code];
    if (code === 'INTERNAL') return internal(error);
    if (code === 'UNAVAILABLE') return unavailable(error);
    return new CodedError(code, error.message, undefined, error.remedy, error);
  }
  if (error instanceof ArgumentValidationError) return fromValidation(error);
  if (error instanceof GraphQLError) return fromGraphQL(error, graphqlCode ?? error.extensions.code);
  if (error instanceof Error && isConnectionFault(error)) return unavailable(error);
  if (UNSTORABLE_TEXT.has(sqlState(error) ?? '')) {
    return new CodedError('BAD_INPUT', 'A text has the character U+0000.', undefined, 'Leave it out.', error);
  }
  return internal(error);
}

/** What a row keeps of an error. */
export function toFailure(error: unknown): Failure {
  const { code, message, where, remedy } = toCodedError(error);
  const { problems, problemCount } = error instanceof EngineError ? error : { problems: [], problemCount: 0 };
  return { code, message, where, remedy, problems, problemCount };
}

/** True if the object store does not answer, refuses everybody or has no room: an operator's matter, and never the job's. */
export function isStoreAway(error: unknown): boolean {
  return error instanceof StorageError && (error.code === 'UNAVAILABLE' || error.code === 'ACCESS_DENIED');
}

/** True if the same work may succeed later without anybody changing anything. */
export function isTransient(error: unknown): boolean {
  const { code } = toCodedError(error);
  return code === 'UNAVAILABLE' || code === 'INTERNAL';
}

/** NOT_FOUND, worded alike for what is another team's and what never was. */
export function notFound(noun: string, id: string): CodedError {
  return new CodedError('NOT_FOUND', `There is no ${noun} ${id} in this team.`, noun);
}
