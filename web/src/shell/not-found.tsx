import { ButtonLink } from '../components/link';
/** Where a URL leads nowhere, or to what another team has. */
import { Empty } from '../components/states';

export function NotFound() {
  return (
    <main>
      <Empty title="Not found" action={<ButtonLink to="/">Your teams</ButtonLink>}>
        There is nothing at this address, or it belongs to a team that you are not in.
      </Empty>
    </main>
  );
}
