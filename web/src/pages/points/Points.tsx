import type { JSX } from "preact";
import { t } from "../../i18n/index.ts";

export default function Points(): JSX.Element {
  return <div class="page"><h1>{t("Points")}</h1></div>;
}
