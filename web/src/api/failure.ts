// What goes wrong with a request, in one shape.

/** A request that was not answered as hoped: `error` is for programs, `detail` a sentence for people. */
export class ApiFailure extends Error {
  /** The HTTP status; 0 where no answer came. */
  readonly status: number;
  readonly error: string;
  readonly detail: string;
  /** The whole answer, where it was JSON: what a 409 `changed` says of the point, for example. */
  readonly answer: unknown;
  /** Seconds until it may be tried again, where the service said so; 0 otherwise. */
  readonly waitS: number;

  constructor(status: number, error: string, detail: string, answer: unknown = null, waitS = 0) {
    super(detail);
    this.name = "ApiFailure";
    this.status = status;
    this.error = error;
    this.detail = detail;
    this.answer = answer;
    this.waitS = waitS;
  }
}

/** Return the sentence to show for anything that was thrown. */
export function sentenceOf(error: unknown): string {
  if (error instanceof ApiFailure) return error.detail;
  return error instanceof Error ? error.message : String(error);
}

/** Whether a request was given up by ourselves: its page was left, or a newer one took its place. */
export function wasGivenUp(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Whether a request may have been done although it failed: no answer came, or one that does not know. */
export function mayHaveBeenDone(error: unknown): boolean {
  return error instanceof ApiFailure && [0, 500, 503, 504].includes(error.status);
}

/** Whether somebody would have to sign in first, and did not: whoever does much at once stops there. */
export function isNotSignedIn(error: unknown): boolean {
  return error instanceof ApiFailure && error.error === "not-signed-in";
}
