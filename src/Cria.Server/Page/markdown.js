// Markdown as DOM nodes. Text only ever becomes text nodes: nothing here reads HTML, and links lead to http, https and mail only.

const MOST_NESTING = 12;

export function render(text) {
  const root = document.createDocumentFragment();
  blocks(text.replace(/\r\n?/g, '\n').split('\n'), root, 0);
  return root;
}

function element(name, ...children) {
  const node = document.createElement(name);
  node.append(...children);
  return node;
}

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^\s`]*)/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*)$/;
const RULE = /^ {0,3}(?:(?:- *){3,}|(?:\* *){3,}|(?:_ *){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])(?: +|$)/;
const DIVIDER = /^[ |:-]*-[ |:-]*$/;

function blocks(lines, parent, depth) {
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    const fence = FENCE.exec(line);
    const heading = HEADING.exec(line);
    if (line.trim() === '') {
      at++;
    } else if (fence) {
      const code = [];
      for (at++; at < lines.length && !(lines[at].trim().startsWith(fence[1]) && lines[at].trim().replaceAll(fence[1][0], '') === ''); at++)
        code.push(lines[at]);
      at++;
      parent.append(codeBlock(code.join('\n'), fence[2]));
    } else if (heading) {
      parent.append(inline(heading[2].replace(/ +#+ *$/, ''), element(`h${heading[1].length}`)));
      at++;
    } else if (RULE.test(line)) {
      parent.append(element('hr'));
      at++;
    } else if (QUOTE.test(line) && depth < MOST_NESTING) {
      const quoted = [];
      for (; at < lines.length && QUOTE.test(lines[at]); at++)
        quoted.push(lines[at].replace(QUOTE, ''));
      const quote = element('blockquote');
      blocks(quoted, quote, depth + 1);
      parent.append(quote);
    } else if (ITEM.test(line) && depth < MOST_NESTING) {
      at = list(lines, at, parent, depth);
    } else if (line.includes('|') && at + 1 < lines.length && lines[at + 1].includes('|') && DIVIDER.test(lines[at + 1])) {
      at = table(lines, at, parent);
    } else {
      const words = [];
      do
        words.push(lines[at++]);
      while (at < lines.length && lines[at].trim() !== '' && !FENCE.test(lines[at]) && !HEADING.test(lines[at]) && !QUOTE.test(lines[at]) && !ITEM.test(lines[at]) && !RULE.test(lines[at]));
      parent.append(inline(words.map(w => w.trim()).join('\n'), element('p')));
    }
  }
}

// Items at one indent; what is indented further belongs to the item before it.
function list(lines, at, parent, depth) {
  const [, indent, mark] = ITEM.exec(lines[at]);
  const ordered = /\d/.test(mark);
  const node = element(ordered ? 'ol' : 'ul');
  if (ordered && Number.parseInt(mark) !== 1)
    node.start = Number.parseInt(mark);
  while (at < lines.length) {
    const item = ITEM.exec(lines[at]);
    if (!item || item[1].length > indent.length + 1 || item[1].length < indent.length || /\d/.test(item[2]) !== ordered)
      break;
    const inner = [lines[at++].slice(item[0].length)];
    for (; at < lines.length; at++) {
      const isInside = lines[at].startsWith(' '.repeat(indent.length + 2));
      if (!isInside && (lines[at].trim() === '' ? !lines[at + 1]?.startsWith(' '.repeat(indent.length + 2)) && !continues(lines[at + 1]) : ITEM.test(lines[at]) || inner.at(-1).trim() === '' || FENCE.test(lines[at]) || HEADING.test(lines[at])))
        break;
      inner.push(isInside ? lines[at].slice(Math.min(item[0].length, lines[at].search(/\S|$/))) : lines[at]);
    }
    const entry = element('li');
    blocks(inner, entry, depth + 1);
    if (entry.childElementCount > 0 && entry.firstElementChild.tagName === 'P')
      entry.firstElementChild.replaceWith(...entry.firstElementChild.childNodes);
    node.append(entry);
  }
  parent.append(node);
  return at;

  function continues(line) {
    const next = ITEM.exec(line ?? '');
    return next && next[1].length === indent.length && /\d/.test(next[2]) === ordered;
  }
}

function table(lines, at, parent) {
  const cells = line => line.trim().replace(/^\||\|$/g, '').split('|').map(c => c.trim());
  const row = (line, name) => element('tr', ...cells(line).map(c => inline(c, element(name))));
  const body = element('tbody');
  const node = element('table', element('thead', row(lines[at], 'th')), body);
  for (at += 2; at < lines.length && lines[at].includes('|'); at++)
    body.append(row(lines[at], 'td'));
  parent.append(node);
  return at;
}

function codeBlock(code, language) {
  const copy = element('button', 'Copy');
  copy.type = 'button';
  copy.className = 'small';
  copy.addEventListener('click', () => navigator.clipboard?.writeText(code));
  const head = element('div', element('span', language || 'text'), copy);
  head.className = 'head';
  const node = element('div', head, element('pre', element('code', code)));
  node.className = 'code';
  return node;
}

const SPANS = [['**', 'strong'], ['__', 'strong'], ['~~', 'del'], ['*', 'em'], ['_', 'em']];
const LINK = /\[([^\[\]\n]{0,500})\]\(([^()\s]{1,2000}(?:\([^()\s]{0,200}\)[^()\s]{0,200})?)(?: "[^"\n]{0,200}")?\)/y;
const URL_TEXT = /https?:\/\/[^\s<>"'`]{1,2000}/y;

// Fills an element with a text's spans, in one pass: a mark that was once not found to close is not looked for again.
function inline(text, parent, depth = 0) {
  const hopeless = new Set();
  let plain = 0, at = 0;
  const flush = end => end > plain && parent.append(text.slice(plain, end));
  const take = (end, node) => {
    flush(at);
    parent.append(node);
    plain = at = end;
  };
  outer:
  while (at < text.length) {
    const c = text[at];
    if (c === '\\' && at + 1 < text.length && /[!-/:-@[-`{-~]/.test(text[at + 1])) {
      flush(at);
      plain = at + 1;
      at += 2;
      continue;
    }
    if (c === '`') {
      let run = at;
      while (text[run] === '`')
        run++;
      const mark = text.slice(at, run);
      const end = hopeless.has(mark) ? -1 : closing(text, mark, run);
      if (end >= 0) {
        take(end + mark.length, element('code', text.slice(run, end).replace(/^ (.*) $/s, '$1')));
        continue;
      }
      hopeless.add(mark);
      at = run;
      continue;
    }
    if (c === '\n') {
      take(at + 1, text.slice(Math.max(plain, at - 2), at) === '  ' ? element('br') : '\n');
      continue;
    }
    if (c === '[' || c === '!' && text[at + 1] === '[') {
      LINK.lastIndex = c === '!' ? at + 1 : at;
      const link = LINK.exec(text);
      const target = link && address(link[2]);
      if (target) {
        take(LINK.lastIndex, anchor(target, inline(link[1] || link[2], document.createDocumentFragment(), depth + 1)));
        continue;
      }
    }
    if (c === 'h' || c === '<' && text.startsWith('<http', at)) {
      URL_TEXT.lastIndex = c === '<' ? at + 1 : at;
      const bare = (at === 0 || /[\s(<"'*_]/.test(text[at - 1]) || c === '<') && URL_TEXT.exec(text);
      if (bare) {
        const shown = c === '<' ? bare[0] : bare[0].replace(/[.,;:!?)*_]+$/, '');
        const target = address(shown);
        if (target) {
          const end = (c === '<' ? at + 1 : at) + shown.length;
          take(c === '<' && text[end] === '>' ? end + 1 : end, anchor(target, shown));
          continue;
        }
      }
    }
    if (depth < MOST_NESTING)
      for (const [mark, name] of SPANS) {
        if (!text.startsWith(mark, at) || hopeless.has(mark) || /\s/.test(text[at + mark.length] ?? ' ') || mark[0] === '_' && /\w/.test(text[at - 1] ?? ' '))
          continue;
        let end = at + mark.length;
        do
          end = text.indexOf(mark, end + 1);
        while (end >= 0 && (/\s/.test(text[end - 1]) || mark.length === 1 && text[end + 1] === mark || mark[0] === '_' && /\w/.test(text[end + mark.length] ?? ' ')));
        if (end < 0) {
          hopeless.add(mark);
          continue;
        }
        take(end + mark.length, inline(text.slice(at + mark.length, end), element(name), depth + 1));
        continue outer;
      }
    at++;
  }
  flush(text.length);
  return parent;
}

function closing(text, mark, from) {
  for (let at = text.indexOf(mark, from); at >= 0;) {
    let end = at;
    while (text[end] === '`')
      end++;
    if (end - at === mark.length)
      return at;
    at = text.indexOf(mark, end);
  }
  return -1;
}

function address(text) {
  try {
    const url = new URL(text);
    return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

function anchor(href, shown) {
  const node = element('a', shown);
  node.href = href;
  node.target = '_blank';
  node.rel = 'noopener noreferrer';
  return node;
}
