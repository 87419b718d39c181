import type { ComponentChildren, JSX } from "preact";

export interface Column<R> {
  readonly key: string;
  readonly title: ComponentChildren;
  readonly cell: (row: R) => ComponentChildren;
  /** Right-aligned, with figures of one width. */
  readonly number?: boolean;
  /** Left out where the window is narrow: what can be had by opening the row. */
  readonly wide?: boolean;
}

interface Props<R> {
  /** What it lists: read out, not shown. */
  readonly caption: string;
  readonly columns: readonly Column<R>[];
  readonly rows: readonly R[];
  readonly rowKey: (row: R) => string | number;
  readonly rowClass?: (row: R) => string;
}

/** A table of up to some hundred rows; more go into a VirtualList. */
export function Table<R>({ caption, columns, rows, rowKey, rowClass }: Props<R>): JSX.Element {
  const classes = (column: Column<R>) => `${column.number ? "number" : ""} ${column.wide ? "wide-only" : ""}`;
  return (
    <div class="table-frame" tabIndex={0} role="region" aria-label={caption}>
      <table class="table">
        <caption class="sr-only">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.key} scope="col" class={classes(column)}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)} class={rowClass?.(row)}>
              {columns.map((column) => (
                <td key={column.key} class={classes(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
