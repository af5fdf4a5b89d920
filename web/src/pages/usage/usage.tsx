/** What a team has used of what it may have. */
import { Progress } from '@mantine/core';
import { graphql } from '../../api/generated';
import type { QuotaResource } from '../../api/generated/graphql';
import { useApiQuery } from '../../api/hooks';
import { formatBytes, formatCount, formatEnum, formatPercent } from '../../components/format';
import { Page } from '../../components/page';
import { Failure, Loading } from '../../components/states';

const USAGE = graphql(`
  query Usage {
    viewer {
      team { id usage { resource used maximum } }
    }
  }
`);

function formatAmount(resource: QuotaResource, amount: number): string {
  return resource === 'BYTES' ? formatBytes(amount) : formatCount(Math.round(amount));
}

export function UsagePage() {
  const { data, error, loading, reload } = useApiQuery(USAGE, {});
  const usage = data?.viewer?.team?.usage ?? [];
  return (
    <Page
      title="Usage"
      description="Beyond a maximum, what would add to it is refused with QUOTA_EXCEEDED. Training minutes begin anew each month (UTC)."
      query={{ document: USAGE }}
    >
      <Failure error={error} retry={reload} />
      {loading && <Loading />}
      {usage.length > 0 && (
        <div className="panel">
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keyboard this way */}
          <section className="table-scroll" tabIndex={0} aria-label="Usage">
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">Resource</th>
                  <th scope="col" className="number">
                    Used
                  </th>
                  <th scope="col" className="number">
                    Maximum
                  </th>
                  <th scope="col" className="number">
                    Share
                  </th>
                  <th scope="col">Of the maximum</th>
                </tr>
              </thead>
              <tbody>
                {usage.map(({ resource, used, maximum }) => (
                  <tr key={resource}>
                    <td>{formatEnum(resource)}</td>
                    <td className="number">{formatAmount(resource, used)}</td>
                    <td className="number">{formatAmount(resource, maximum)}</td>
                    <td className="number">{formatPercent((100 * used) / maximum)}</td>
                    <td style={{ minWidth: '10rem' }}>
                      <Progress
                        value={(100 * used) / maximum}
                        color={used > 0.9 * maximum ? 'red' : undefined}
                        aria-label={`${formatEnum(resource)} used`}
                      />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        </div>
      )}
    </Page>
  );
}
