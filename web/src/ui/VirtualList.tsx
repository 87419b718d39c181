// A list of thousands of rows, of which only those in sight exist.
import type { ComponentChildren, JSX } from "preact";
import { useCallback, useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";

const BEYOND = 8; // rows kept above and below what is in sight

interface Props<R> {
  /** What it lists: read out. */
  readonly label: string;
  readonly rows: readonly R[];
  readonly rowKey: (row: R) => string;
  /** Height of every row in CSS pixels. */
  readonly rowHeight: number;
  readonly render: (row: R, index: number) => ComponentChildren;
  /** Enter or a click on a row. */
  readonly onOpen?: (row: R) => void;
  /** What other keys do with the row that is active: " ", "c" … */
  readonly keys?: Readonly<Record<string, (row: R) => void>>;
  readonly rowClass?: (row: R) => string;
  /** A row of column headers, role="row", that stays above the rows. */
  readonly header?: ComponentChildren;
}

/**
 * Rows of one height in a frame that scrolls. By keyboard: up, down, page up, page down, home, end, Enter.
 * Rows are a grid of one column to assistive technology, with their positions, so that it knows of those out of sight.
 */
export function VirtualList<R>(props: Props<R>): JSX.Element {
  const { label, rows, rowKey, rowHeight, render, onOpen, keys, rowClass, header } = props;
  const frame = useRef<HTMLDivElement>(null);
  const id = useId();
  const [{ first, count }, setWindow] = useState({ first: 0, count: 40 });
  const [active, setActive] = useState(0);
  const at = Math.min(active, Math.max(0, rows.length - 1));

  const measure = useCallback(() => {
    const element = frame.current;
    if (!element) return;
    const top = Math.max(0, Math.floor(element.scrollTop / rowHeight) - BEYOND);
    const fits = Math.ceil(element.clientHeight / rowHeight) + 2 * BEYOND;
    setWindow((old) => (old.first === top && old.count === fits ? old : { first: top, count: fits }));
  }, [rowHeight]);

  useLayoutEffect(measure, [measure, rows.length]);
  useEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [measure]);

  const moveTo = (index: number) => {
    const element = frame.current;
    if (!element || rows.length === 0) return;
    const next = Math.min(rows.length - 1, Math.max(0, index));
    setActive(next);
    const head = element.querySelector<HTMLElement>(".list-header")?.offsetHeight ?? 0;
    const top = next * rowHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + rowHeight + head > element.scrollTop + element.clientHeight) {
      element.scrollTop = top + rowHeight + head - element.clientHeight;
    }
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor((frame.current?.clientHeight ?? 0) / rowHeight) - 1);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: rows.length - 1 }[event.key];
    const row = rows[at];
    if (to !== undefined) moveTo(to);
    else if (event.key === "Enter" && row !== undefined && onOpen) onOpen(row);
    else if (row !== undefined && keys?.[event.key]) keys[event.key]?.(row);
    else return;
    event.preventDefault();
  };

  const start = Math.min(first, Math.max(0, rows.length - count));
  const seen = rows.slice(start, start + count);
  return (
    <div
      ref={frame}
      class="virtual"
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + (header === undefined ? 0 : 1)}
      aria-activedescendant={at >= start && at < start + seen.length ? `${id}-${at}` : undefined}
      tabIndex={0}
      onScroll={measure}
      onKeyDown={onKeyDown}
    >
      {header !== undefined && (
        <div class="list-header" role="rowgroup">
          {header}
        </div>
      )}
      <div class="all" role="rowgroup" style={{ height: `${rows.length * rowHeight}px` }}>
        {seen.map((row, offset) => {
          const index = start + offset;
          return (
            <div
              key={rowKey(row)}
              id={`${id}-${index}`}
              role="row"
              aria-rowindex={index + (header === undefined ? 1 : 2)}
              class={`list-row ${index === at ? "active" : ""} ${onOpen ? "opens" : ""} ${rowClass?.(row) ?? ""}`}
              style={{ transform: `translateY(${index * rowHeight}px)`, height: `${rowHeight}px` }}
              onClick={(event) => {
                setActive(index);
                const on = event.target instanceof Element ? event.target : null;
                if (onOpen && !on?.closest("a, button, input, label, select")) onOpen(row);
              }}
            >
              {render(row, index)}
            </div>
          );
        })}
      </div>
    </div>
  );
}
