/** Pages of a person, outside of any team. */
import { Outlet } from '@tanstack/react-router';
import { Frame } from './frame';
import { RequireSession } from './require-session';

export function AccountLayout() {
  return (
    <RequireSession>
      <Frame>
        <Outlet />
      </Frame>
    </RequireSession>
  );
}
