/** A short table that is all there at once; lists of the API are ServerTable. */
import type { ReactNode } from 'react';

export interface SimpleTableProps {
  readonly label: string;
  readonly columns: readonly { readonly header: string; readonly number?: boolean; readonly wide?: boolean }[];
  /** Cells of each row, as many as there are columns. */
  readonly rows: readonly (readonly ReactNode[])[];
}

export function SimpleTable({ label, columns, rows }: SimpleTableProps) {
  const classOf = (index: number) => (columns[index].number ? 'number' : columns[index].wide ? 'wide' : undefined);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keyboard this way
    <section className="table-scroll" tabIndex={0} aria-label={label}>
      <table className="table">
        <thead>
          <tr>
            {columns.map(({ header }, index) => (
              <th key={header} scope="col" className={classOf(index)}>
                {header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, row) => (
            <tr key={row}>
              {cells.map((cell, index) => (
                <td key={columns[index].header} className={classOf(index)}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
