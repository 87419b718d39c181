// A port on the front of a switch: its number, the shape and colour of what it does, and what it delivers.
import type { JSX } from "preact";
import { t } from "../../i18n/index.ts";
import { formatNumber } from "../../ui/format.ts";
import { visible } from "../../ui/text.ts";
import { isAmiss, signsOf } from "./live.ts";
import type { Choice, Port, PortState } from "./ports.ts";
import { stateWord } from "./words.ts";

/** A shape for each state: nobody has to tell colours apart. */
const SHAPES: Readonly<Record<PortState, JSX.Element>> = {
  delivering: <path class="solid" d="M9.500 1.500 3 9.200h4.300L6.200 14.500 13 6.700H8.500z" />,
  searching: <path d="M7 2.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9zM10.300 10.300l3.700 3.700" />,
  off: <path d="M8 2.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11zM4.200 11.800l7.600-7.600" />,
  fault: <path class="solid" d="M8 .8 15.200 8 8 15.200.8 8z" />,
  otherFault: <path class="solid" d="M8 .8 15.200 8 8 15.200.8 8z" />,
  test: <path d="M4 4h8M8 4v8.500" />,
  unknown: <path d="M5.500 6a2.500 2.500 0 1 1 3.700 2.200C8.400 8.700 8 9.200 8 10M8 12.800v.4" />,
  lost: <path d="M4.800 2.500h6.400L14.500 8l-3.300 5.500H4.800L1.500 8zM6 6l4 4M10 6l-4 4" />,
  unread: <path d="M4.800 2.500h6.400L14.500 8l-3.300 5.500H4.800L1.500 8z" />,
  waiting: <path d="M4 8h.01M8 8h.01M12 8h.01" />,
};

/** The shape of a state, in its colour. The word stands elsewhere, or is read out. */
export function StateMark({ state }: { readonly state: PortState }): JSX.Element {
  return (
    <svg class={`port-mark ${state}`} viewBox="0 0 16 16" aria-hidden="true">
      {SHAPES[state]}
    </svg>
  );
}

interface Props {
  readonly port: Port;
  readonly label: string;
  readonly selected: boolean;
  readonly reachable: boolean;
  readonly onOpen: (port: Port) => void;
}

/** A port that can be opened. */
export function PortSocket({ port, label, selected, reachable, onOpen }: Props): JSX.Element {
  const signs = signsOf(port);
  const state = signs.state.value;
  const choice = signs.choice.value;
  const watts = signs.watts.value;
  const name = visible(port.device);
  const said = [t("Port {port}", { port: visible(port.id) }), name, stateWord(state), choiceSentence(choice)].filter(Boolean).join(", ");
  return (
    <button
      type="button"
      class={`socket ${state} ${isAmiss(choice) ? "amiss" : ""}`}
      data-port={port.id}
      aria-pressed={selected}
      title={said}
      tabIndex={reachable ? 0 : -1}
      onClick={() => onOpen(port)}
    >
      <span class="sr-only">{said}</span>
      <span class="socket-label" aria-hidden="true">
        {visible(label)}
      </span>
      <StateMark state={state} />
      <span class="socket-watts number" aria-hidden="true">{watts === null ? "" : formatNumber(watts, watts < 10 ? 1 : 0)}</span>
      {isAmiss(choice) && (
        <svg class={`socket-corner ${choice}`} viewBox="0 0 10 10" aria-hidden="true">
          <path d="M0 0h10v10z" />
        </svg>
      )}
    </button>
  );
}

function choiceSentence(choice: Choice): string {
  if (choice === "differs") return t("not as chosen");
  return choice === "failed" ? t("the switch did not confirm what was chosen") : "";
}

/** A place whose port is not watched, or not asked for. */
export function EmptySocket({ label }: { readonly label: string }): JSX.Element {
  return (
    <span class="socket unwatched" aria-hidden="true">
      <span class="socket-label">{visible(label)}</span>
    </span>
  );
}
