import { Component, type ComponentChildren } from "preact";
import { sentenceOf } from "../api/failure.ts";
import { t } from "../i18n/index.ts";
import { Button } from "../ui/Button.tsx";
import { Note } from "../ui/Note.tsx";

interface Props {
  /** Where we are: what failed elsewhere is left behind. */
  readonly place: string;
  readonly children: ComponentChildren;
}

interface State {
  readonly wrong: unknown;
  readonly place: string;
}

/** Shows what a page failed with, in its place; the navigation stays usable. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = { wrong: null, place: this.props.place };

  static override getDerivedStateFromProps(props: Props, state: State): State | null {
    return props.place === state.place ? null : { wrong: null, place: props.place };
  }

  override componentDidCatch(error: unknown): void {
    console.error(error);
    this.setState({ wrong: error });
  }

  override render(): ComponentChildren {
    if (this.state.wrong === null) return this.props.children;
    return (
      <div class="page stack">
        <h1>{t("This page has failed")}</h1>
        <Note kind="major">{sentenceOf(this.state.wrong)}</Note>
        <div class="row">
          <Button kind="primary" icon="refresh" onClick={() => location.reload()}>
            {t("Load it again")}
          </Button>
        </div>
      </div>
    );
  }
}
