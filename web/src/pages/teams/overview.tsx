/** The first page of a team. */

import { ButtonLink } from '../../components/link';
import { Page } from '../../components/page';
import { Empty } from '../../components/states';
import { useTeam } from '../../team';

export function OverviewPage() {
  const { id, name, mayAdministrate } = useTeam();
  return (
    <Page title={name}>
      <div className="panel">
        <Empty
          title="Nothing measured yet"
          action={
            mayAdministrate && (
              <ButtonLink to="/teams/$teamId/api-keys" params={{ teamId: id }}>
                Make an API key
              </ButtonLink>
            )
          }
        >
          Upload a profile and networks from the command line: with an API key, `fusecast dataset push` and `fusecast
          network push`.
        </Empty>
      </div>
    </Page>
  );
}
