/**
 * A table of a list that the API gives page by page: more rows come as somebody scrolls, only those in sight are in the
 * document, and the whole list can be saved as CSV or JSON. Knows lists; must not know nouns.
 */
import { Button, Group, Menu, Text } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { ConnectionList } from '../api/connection';
import type { ApiError } from '../api/errors';
import { saveRows } from './save-rows';
import { Failure, Loading } from './states';

const ROW_HEIGHT = 34;
/** Rows from the end at which the next page is asked for. */
const AHEAD = 20;

export interface Column<Row> {
  /** Of the column in exported files; unique. */
  readonly key: string;
  readonly header: string;
  readonly cell: (row: Row) => ReactNode;
  /** For export; a column without it is not exported. */
  readonly value?: (row: Row) => string | number | boolean | null | undefined;
  readonly number?: boolean;
  /** Breaks lines. */
  readonly wide?: boolean;
  /** Where the API sorts by this column: a click calls `onSort` with the key. */
  readonly sortable?: boolean;
}

export interface ServerTableProps<Row> {
  /** What the rows are, for screen readers and file names. */
  readonly label: string;
  /** From useConnection. */
  readonly list: ConnectionList<Row>;
  readonly columns: readonly Column<Row>[];
  readonly rowKey: (row: Row) => string;
  /** Shown in place of the table if there are no rows. */
  readonly empty: ReactNode;
  /** Filters, on the left above the table. */
  readonly toolbar?: ReactNode;
  readonly sort?: { readonly key: string; readonly descending: boolean };
  readonly onSort?: (key: string) => void;
}

export function ServerTable<Row>(props: ServerTableProps<Row>) {
  const { label, list, columns, rowKey, empty, toolbar, sort, onSort } = props;
  const { rows, hasMore, loading, loadMore } = list;
  const scroll = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
  });
  const inSight = virtualizer.getVirtualItems();
  const last = inSight.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && !loading && last >= rows.length - AHEAD && scroll.current && scroll.current.scrollTop > 0)
      loadMore();
  }, [hasMore, loading, last, rows.length, loadMore]);

  const above = inSight[0]?.start ?? 0;
  const below = virtualizer.getTotalSize() - (inSight.at(-1)?.end ?? 0);
  const sorted = (key: string) => (sort?.key === key ? (sort.descending ? 'descending' : 'ascending') : undefined);
  return (
    <div>
      {(toolbar || rows.length > 0) && (
        <Group justify="space-between" pb="xs" gap="xs">
          <Group gap="xs">{toolbar}</Group>
          {rows.length > 0 && <Export {...{ label, list, columns }} />}
        </Group>
      )}
      <Failure error={list.error} retry={list.reload} />
      {rows.length === 0 && !list.error && <div className="panel">{loading ? <Loading /> : empty}</div>}
      {rows.length > 0 && (
        <div className="panel">
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keyboard this way */}
          <section ref={scroll} className="table-scroll" tabIndex={0} aria-label={label}>
            <table className="table" aria-rowcount={hasMore ? -1 : rows.length + 1}>
              <thead>
                <tr>
                  {columns.map(({ key, header, number, sortable }) => (
                    <th key={key} scope="col" className={number ? 'number' : undefined} aria-sort={sorted(key)}>
                      {sortable && onSort ? (
                        <button type="button" className="sort" onClick={() => onSort(key)}>
                          {header} {sorted(key) ? (sort?.descending ? '↓' : '↑') : '↕'}
                        </button>
                      ) : (
                        header
                      )}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {above > 0 && <Space height={above} columns={columns.length} />}
                {inSight.map(({ index }) => (
                  <tr
                    key={rowKey(rows[index])}
                    aria-rowindex={index + 2}
                    data-index={index}
                    ref={virtualizer.measureElement}
                  >
                    {columns.map(({ key, cell, number, wide }) => (
                      <td key={key} className={number ? 'number' : wide ? 'wide' : undefined}>
                        {cell(rows[index])}
                      </td>
                    ))}
                  </tr>
                ))}
                {below > 0 && <Space height={below} columns={columns.length} />}
              </tbody>
            </table>
          </section>
          {hasMore && (
            <Group justify="center" py="xs" style={{ borderTop: '1px solid var(--line)' }}>
              <Button variant="default" loading={loading} onClick={loadMore}>
                Show more
              </Button>
            </Group>
          )}
        </div>
      )}
    </div>
  );
}

/** Stands for the rows that are out of sight. */
function Space({ height, columns }: { height: number; columns: number }) {
  return (
    <tr aria-hidden>
      <td colSpan={columns} style={{ height, padding: 0, border: 0 }} />
    </tr>
  );
}

function Export<Row>({ label, list, columns }: Pick<ServerTableProps<Row>, 'label' | 'list' | 'columns'>) {
  const [error, setError] = useState<ApiError>();
  const [running, setRunning] = useState(false);
  const save = async (format: 'csv' | 'json') => {
    setRunning(true);
    setError(undefined);
    try {
      const rows = await list.readAll();
      const exported = columns.filter(({ value }) => value);
      saveRows(
        label,
        format,
        exported.map(({ key }) => key),
        rows.map((row) => exported.map(({ value }) => value?.(row) ?? null)),
      );
    } catch (failure) {
      setError(failure as ApiError);
    } finally {
      setRunning(false);
    }
  };
  return (
    <Group gap="xs">
      <Text size="sm" c="dimmed">
        {list.rows.length}
        {list.hasMore ? '+' : ''} {list.rows.length === 1 ? 'row' : 'rows'}
      </Text>
      <Failure error={error} />
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" loading={running} leftSection={<IconDownload size={14} />}>
            Export
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => save('csv')}>CSV, all rows</Menu.Item>
          <Menu.Item onClick={() => save('json')}>JSON, all rows</Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
