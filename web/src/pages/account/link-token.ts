/** The secret in the link of a mail: behind `#`, which browsers send to no server. */
import { useState } from 'react';

/** The token, taken once: it leaves the address bar, and with it the history. */
export function useLinkToken(): string {
  const [token] = useState(() => window.location.hash.slice(1));
  return token;
}
