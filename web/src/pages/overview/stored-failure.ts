/** Why a job ended without success, as the row keeps it, in the form that pages show. */
import type { ApiError } from '../../api/errors';

interface StoredFailure {
  readonly code: string;
  readonly message: string;
  readonly where?: string | null;
  readonly remedy?: string | null;
}

export function failureOf(failure: StoredFailure | null | undefined): ApiError | undefined {
  if (!failure) return undefined;
  const { code, message, where, remedy } = failure;
  return { code, message, where: where ?? undefined, remedy: remedy ?? undefined };
}
