/** The roles that somebody may give to others. */
import type { Role } from '../../api/generated/graphql';
import { formatEnum } from '../../components/format';

/** For a select: only owners make owners. */
export function rolesFor(mine: Role): { value: Role; label: string }[] {
  const roles: Role[] = ['VIEWER', 'MEMBER', 'ADMIN'];
  if (mine === 'OWNER') roles.push('OWNER');
  return roles.map((value) => ({ value, label: formatEnum(value) }));
}
