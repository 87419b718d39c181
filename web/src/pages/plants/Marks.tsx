// What an inverter and a relay are at, as shapes: each state has its own, so that colour is never all there is.
import type { JSX } from "preact";
import type { InverterState, Trouble } from "./model.ts";

/** A filled disc produces, a diamond has failed, a diamond with a bar is suppressed, a crescent is night … */
const SHAPES: Readonly<Record<InverterState, JSX.Element>> = {
  producing: <circle class="solid" cx="8" cy="8" r="4.5" />,
  stopped: <circle cx="8" cy="8" r="4.5" />,
  failed: <path class="solid" d="M8 .8 15.2 8 8 15.2.8 8z" />,
  suppressed: <path d="M8 1.5 14.5 8 8 14.5 1.5 8zM5 8h6" />,
  nodata: <path d="M4 3.5h8v9H4zM6.5 6.5l3 3M9.5 6.5l-3 3" />,
  night: <path d="M12.8 10A5.6 5.6 0 0 1 6 3.2 5.6 5.6 0 1 0 12.8 10z" />,
  lost: <path d="M4.5 2h7L15 8l-3.5 6h-7L1 8zM5.5 5.5l5 5M10.5 5.5l-5 5" />,
  unread: <path d="M6 6a2.2 2.2 0 1 1 3 2.1c-.7.3-1 .8-1 1.6M8 12.4v.2" />,
  waiting: <path d="M4 8h.1M8 8h.1M12 8h.1" />,
};

/** The mark of a state; the word stands beside it, or is read out by whoever shows it. */
export function StateMark({ state }: { readonly state: InverterState }): JSX.Element {
  return (
    <svg class={`plant-mark ${state}`} viewBox="0 0 16 16" aria-hidden="true">
      {SHAPES[state]}
    </svg>
  );
}

/** A shield; broken where the relay has tripped. */
export function RelayMark({ tripped, unknown = false }: { readonly tripped: boolean; readonly unknown?: boolean }): JSX.Element {
  return (
    <svg class={`plant-mark ${tripped ? "failed" : unknown ? "lost" : "relay"}`} viewBox="0 0 16 16" aria-hidden="true">
      <path d="M8 1.5 13.5 3.5v4c0 3.5-2.3 5.8-5.5 7-3.2-1.2-5.5-3.5-5.5-7v-4z" />
      {tripped ? <path d="M8.8 4.2 6.4 8h3L7.2 11.8" /> : unknown ? <path d="M6 6l4 4M10 6l-4 4" /> : <path d="m5.6 7.8 1.8 1.9 3-3.4" />}
    </svg>
  );
}

/** The mark of what matters most at a plant. */
export function TroubleMark({ trouble }: { readonly trouble: Trouble }): JSX.Element {
  if (trouble === "relay") return <RelayMark tripped />;
  return <StateMark state={trouble === "ok" ? "producing" : trouble} />;
}
