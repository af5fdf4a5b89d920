/** Errors of the API as pages show them. Knows the form of errors; must not know pages. */
import type { CombinedError } from 'urql';

/** One coded error: what, where, and what to do. */
export interface ApiError {
  /** Of the API's closed list, or UNREACHABLE where there was no answer. */
  readonly code: string;
  readonly message: string;
  /** The argument, line or name that it is about. */
  readonly where?: string;
  readonly remedy?: string;
  /** For the operator's log. */
  readonly requestId?: string;
}

/** The first error of an answer; UNREACHABLE if there was none. */
export function toApiError({ graphQLErrors, networkError, response }: CombinedError): ApiError {
  const [first] = graphQLErrors;
  if (first) {
    const { code = 'INTERNAL', where, remedy, requestId } = first.extensions as Partial<ApiError>;
    return { code, message: first.message, where, remedy, requestId };
  }
  return {
    code: 'UNREACHABLE',
    message: 'The service does not answer.',
    where: response ? `HTTP ${response.status}` : networkError?.message,
    remedy: 'Look at your connection, and try again.',
  };
}
