// Runs before anything is painted: a colour scheme or a language that was chosen holds from the first frame.
import { readChoice } from "./app/choices.ts";

const theme = readChoice("theme");
if (theme === "light" || theme === "dark") document.documentElement.dataset["theme"] = theme;
const language = readChoice("language");
if (language) document.documentElement.lang = language;
