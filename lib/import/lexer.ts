/**
 * Takes lines of a shell apart: words, quotes, comments, continuations, separators, redirections, here-documents. It is
 * no shell: nothing is expanded and nothing is run; what would need a shell is marked.
 */

/** One word of a command. */
export interface Word {
  /** Without its quotes. */
  readonly text: string;
  readonly line: number;
  /** What only a shell could replace: `$DEV`, `$(hostname)`, `*`; absent for a plain word. */
  readonly expansion?: string;
}
/** Where the output of a command goes, or its input comes from. */
export interface Redirection {
  readonly kind: "out" | "append" | "in";
  readonly target: Word;
}
/** The lines of a here-document, as they stand. */
export interface HereDocument {
  readonly line: number;
  readonly lines: readonly string[];
}
/** One command with its words; what it is joined to the next one by. */
export interface Statement {
  readonly line: number;
  readonly words: readonly Word[];
  readonly redirections: readonly Redirection[];
  readonly hereDocument?: HereDocument;
  /** `|` hands its output to the next statement, `||` and `&&` make the next one depend on it. */
  readonly joined?: "|" | "||" | "&&" | "&";
}
/** What was read, and where the text ended in the middle of something. */
export interface Lexed {
  readonly statements: readonly Statement[];
  readonly unfinished: readonly { readonly line: number; readonly what: string }[];
}
/** A line of text and its number in the file. */
export interface Line {
  readonly number: number;
  readonly text: string;
}

const GLOB = /[*?[\]]/;

/** Reads one text to its end. */
class Lexer {
  readonly statements: Statement[] = [];
  readonly unfinished: { line: number; what: string }[] = [];
  readonly #lines: readonly Line[];
  #row = 0;
  #column = 0;
  #words: Word[] = [];
  #redirections: Redirection[] = [];
  #here: { tag: string; tabs: boolean }[] = [];
  #document: HereDocument | undefined;
  #first: number | undefined;

  constructor(lines: readonly Line[]) {
    this.#lines = lines;
  }

  get #text(): string {
    return this.#lines[this.#row]?.text ?? "";
  }
  get #number(): number {
    return this.#lines[this.#row]?.number ?? this.#lines.at(-1)?.number ?? 1;
  }

  run(): Lexed {
    while (this.#row < this.#lines.length) this.#step();
    this.#end();
    return this;
  }

  #step(): void {
    const rest = this.#text.slice(this.#column);
    // Wider than a shell's: web pages put other blanks between words, and nobody means them as part of one.
    const blank = /^\s+/.exec(rest)?.[0];
    if (blank !== undefined) this.#column += blank.length;
    else if (rest === "") this.#newline();
    else if (rest === "\\" || rest === "\\\r") this.#nextRow();
    else if (rest.startsWith("#")) this.#column = this.#text.length;
    else if (!this.#operator(rest)) this.#word();
  }

  #nextRow(): void {
    this.#row++;
    this.#column = 0;
  }

  #newline(): void {
    this.#hereDocuments();
    this.#end();
    this.#nextRow();
  }

  #end(joined?: Statement["joined"]): void {
    if (this.#words.length > 0 || this.#redirections.length > 0)
      this.statements.push({
        line: this.#first ?? this.#number,
        words: this.#words,
        redirections: this.#redirections,
        ...(this.#document !== undefined && { hereDocument: this.#document }),
        ...(joined !== undefined && { joined }),
      });
    this.#words = [];
    this.#redirections = [];
    this.#document = undefined;
    this.#first = undefined;
  }

  #operator(rest: string): boolean {
    const [redirection, fd, sign = ""] = /^(\d*|&)(<<-|<<<|<<|>>|>&|>\||>|<)/.exec(rest) ?? [];
    if (redirection !== undefined) {
      this.#column += redirection.length;
      this.#redirect(fd ?? "", sign);
      return true;
    }
    const [joint] = /^(\|\||&&|\|&|;;|[;|&()])/.exec(rest) ?? [];
    if (joint === undefined) return false;
    this.#column += joint.length;
    if (joint === "(" || joint === ")") this.#push({ text: joint, line: this.#number, expansion: joint });
    else if (joint === ";" || joint === ";;") this.#end();
    else this.#end(joint === "|&" ? "|" : (joint as Statement["joined"]));
    return true;
  }

  #redirect(fd: string, sign: string): void {
    while (/^\s/.test(this.#text.slice(this.#column))) this.#column++;
    if (this.#column >= this.#text.length) return;
    const target = this.#read();
    if (sign === "<<" || sign === "<<-") this.#here.push({ tag: target.text, tabs: sign === "<<-" });
    else if (sign === ">&" || /^[2-9]/.test(fd)) return;
    else this.#redirections.push({ kind: sign === ">>" ? "append" : sign.startsWith("<") ? "in" : "out", target });
    this.#first ??= target.line;
  }

  #hereDocuments(): void {
    for (const { tag, tabs } of this.#here) {
      const start = this.#number + 1;
      const lines: string[] = [];
      for (this.#row++; ; this.#row++) {
        if (this.#row >= this.#lines.length) {
          this.unfinished.push({ line: start - 1, what: `the here-document has no end: no line is ${tag}` });
          break;
        }
        const text = tabs ? this.#text.replace(/^\t+/, "") : this.#text;
        if (text.trimEnd() === tag) break;
        lines.push(text.replace(/\r$/, ""));
      }
      this.#document = { line: start, lines };
    }
    this.#here = [];
  }

  #push(word: Word): void {
    this.#first ??= word.line;
    this.#words.push(word);
  }
  #word(): void {
    this.#push(this.#read());
  }

  /** One word; quotes may carry it over several lines. */
  #read(): Word {
    const line = this.#number;
    let text = "";
    let expansion: string | undefined;
    for (;;) {
      const rest = this.#text.slice(this.#column);
      const plain = /^[^\s\\'"$`;|&<>()]+/.exec(rest)?.[0];
      if (plain !== undefined) {
        if (GLOB.test(plain)) expansion ??= plain;
        text += plain;
        this.#column += plain.length;
      } else if (rest.startsWith("'") || rest.startsWith('"')) {
        const quoted = this.#quoted(rest.charAt(0), line);
        text += quoted.text;
        expansion ??= quoted.expansion;
      } else if (rest.startsWith("\\")) {
        if (/^\\\r?$/.test(rest)) {
          this.#nextRow();
          if (this.#row >= this.#lines.length) break;
        } else {
          text += rest.charAt(1);
          this.#column += 2;
        }
      } else if (/^[$`]/.test(rest)) {
        const found = this.#expansion(rest);
        text += found;
        if (found !== "$") expansion ??= found;
      } else break;
    }
    return { text, line, ...(expansion !== undefined && { expansion }) };
  }

  #quoted(quote: string, line: number): { text: string; expansion?: string } {
    this.#column++;
    let text = "";
    let expansion: string | undefined;
    for (;;) {
      const rest = this.#text.slice(this.#column);
      if (rest === "") {
        this.#nextRow();
        if (this.#row >= this.#lines.length) {
          this.unfinished.push({ line, what: `a quote ${quote} is not closed` });
          break;
        }
        text += "\n";
      } else if (rest.startsWith(quote)) {
        this.#column++;
        break;
      } else if (quote === '"' && /^\\["\\$`]/.test(rest)) {
        text += rest.charAt(1);
        this.#column += 2;
      } else if (quote === '"' && /^[$`]/.test(rest)) {
        const found = this.#expansion(rest);
        text += found;
        if (found !== "$") expansion ??= found;
      } else {
        text += rest.charAt(0);
        this.#column++;
      }
    }
    return { text, ...(expansion !== undefined && { expansion }) };
  }

  /** What a shell would replace, as far as this line has it. */
  #expansion(rest: string): string {
    const found = rest.startsWith("$(")
      ? rest.slice(0, closing(rest))
      : (/^(\$\{[^}]*\}?|\$\w+|\$[@*#?$!-]|`[^`]*`?|\$)/.exec(rest)?.[0] ?? rest.charAt(0));
    this.#column += found.length;
    return found;
  }
}

/** How long `$( … )` is. */
function closing(text: string): number {
  let depth = 0;
  for (let at = 1; at < text.length; at++) {
    if (text[at] === "(") depth++;
    else if (text[at] === ")" && --depth === 0) return at + 1;
  }
  return text.length;
}

/** Takes lines apart. */
export function lex(lines: readonly Line[]): Lexed {
  const { statements, unfinished } = new Lexer(lines).run();
  return { statements, unfinished };
}
