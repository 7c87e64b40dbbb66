import * as images from './images.js';
import { render } from './markdown.js';

const $ = id => document.getElementById(id);
const list = $('conversations'), messages = $('messages'), prompt = $('prompt'), model = $('model'), settings = $('settings');
const form = settings.querySelector('form');

// ---- What is kept in the browser -------------------------------------------------------------------------------------------------------
// A conversation is a tree: an edited or regenerated message is a sibling of the one before, and each message remembers which of those that
// follow it is shown. { id, title, time, nodes: [{ parent, role, text, images?, calls?, callId?, callName?, stats?, error?, chosen? }], chosen }

const read = (key, other) => {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? other;
  } catch {
    return other;
  }
};
const write = (key, value) => {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    say('This browser has no room left for the conversation; delete older ones to keep it.', true);
  }
};

let models = [];
let options = read('cria.settings', {});
let conversation = create();
let running = null; // the AbortController of the answer being written
let asked = 0; // tells answers of a conversation that was left apart
let attached = []; // the pictures of the message being written
let reading = null; // which part of the pictures the model has read for the answer being written, in percent

function create() {
  return { id: crypto.randomUUID?.() ?? String(Date.now()) + Math.random(), title: '', time: Date.now(), nodes: [], chosen: null };
}

function save() {
  if (conversation.nodes.length === 0)
    return;
  conversation.time = Date.now();
  write(`cria.conversation.${conversation.id}`, conversation);
  write('cria.index', [{ id: conversation.id, title: conversation.title, time: conversation.time }, ...read('cria.index', []).filter(c => c.id !== conversation.id)]);
  showList();
}

// The messages shown, from the first on.
function path() {
  const shown = [];
  for (let at = conversation.chosen; at !== null && at !== undefined; at = conversation.nodes[at].chosen)
    shown.push(at);
  return shown;
}

function add(parent, node) {
  const at = conversation.nodes.push({ ...node, parent }) - 1;
  choose(at);
  return at;
}

function choose(at) {
  const { parent } = conversation.nodes[at];
  (parent === null ? conversation : conversation.nodes[parent]).chosen = at;
}

const siblings = at => conversation.nodes.flatMap((n, i) => n.parent === conversation.nodes[at].parent ? [i] : []);

// ---- Asking ----------------------------------------------------------------------------------------------------------------------------

async function send(text, chosen) {
  conversation.title ||= text.trim().replace(/\s+/g, ' ').slice(0, 60) || 'Image';
  images.keep(chosen).catch(() => say('This browser has no room left for the picture; it is gone when the page is closed.', true));
  await answer(add(path().at(-1) ?? null, { role: 'user', text, ...chosen.length ? { images: chosen } : {} }));
}

const pictures = kept => (kept?.nodes ?? []).flatMap(node => node.images ?? []);

// Pictures come first, as the model wants it; one that the browser has lost is left out.
function content({ text, images: ids }) {
  const urls = (ids ?? []).map(images.url).filter(Boolean);
  return urls.length === 0 ? text : [...urls.map(url => ({ type: 'image_url', image_url: { url } })), ...text.trim() ? [{ type: 'text', text }] : []];
}

function request(parent) {
  const dialogue = [];
  for (let at = parent; at !== null; at = conversation.nodes[at].parent) {
    const node = conversation.nodes[at], { role, text, calls, callId } = node;
    dialogue.unshift(role === 'tool' ? { role, content: text, tool_call_id: callId }
      : calls?.length ? { role, content: text || null, tool_calls: calls.map(c => ({ id: c.id, type: 'function', function: { name: c.name, arguments: c.arguments } })) }
      : { role, content: content(node) });
  }
  if (options.system)
    dialogue.unshift({ role: 'system', content: options.system });
  const body = { model: model.value, messages: dialogue, stream: true, stream_options: { include_usage: true } };
  for (const name of ['temperature', 'top_p', 'top_k', 'min_p', 'max_completion_tokens', 'seed'])
    if (options[name] !== undefined && options[name] !== '')
      body[name] = Number(options[name]);
  if (options.tools)
    body.tools = JSON.parse(options.tools);
  if (options.schema)
    body.response_format = { type: 'json_schema', json_schema: { name: 'answer', schema: JSON.parse(options.schema) } };
  return body;
}

// Writes an answer below a message.
async function answer(parent) {
  const body = request(parent);
  const at = add(parent, { role: 'assistant', text: '' });
  const node = conversation.nodes[at], owner = conversation, turn = ++asked;
  const begun = performance.now();
  let first = 0, pieces = 0, saved = 0, frame = 0, rate = 0, looked = {};
  running = new AbortController();
  reading = null;
  save();
  show();
  busy(true);
  const draw = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      if (owner === conversation)
        refresh(at);
    });
  };
  try {
    const response = await fetch('v1/chat/completions', { method: 'POST', headers: headers(), body: JSON.stringify(body), signal: running.signal });
    if (!response.ok)
      throw new Error(await reason(response));
    for await (const data of events(response.body)) {
      if (data.error)
        throw new Error(data.error.message);
      if (data.reading !== undefined) {
        if (turn === asked && reading === null)
          say('The model reads the picture, once: further questions about it are answered sooner.');
        if (turn === asked)
          reading = data.reading;
        draw();
        continue;
      }
      const delta = data.choices[0]?.delta;
      if (delta?.content || delta?.tool_calls) {
        first ||= performance.now();
        pieces++;
        node.text += delta.content ?? '';
        for (const call of delta.tool_calls ?? [])
          (node.calls ??= []).push({ id: call.id, name: call.function.name, arguments: call.function.arguments });
        draw();
      }
      if (data.choices[0]?.finish_reason)
        node.finish = data.choices[0].finish_reason;
      if (data.usage)
        node.usage = data.usage;
      rate = data.timings?.predicted_per_second ?? rate;
      if (data.timings?.image_n)
        looked = { pictures: data.timings.image_n, looked: data.timings.image_ms / 1000 };
      if (performance.now() - saved > 1000) {
        saved = performance.now();
        if (owner === conversation)
          save();
      }
    }
  } catch (error) {
    if (error.name === 'AbortError')
      node.finish = 'stopped';
    else
      node.error = error.message;
  }
  cancelAnimationFrame(frame);
  // An answer that was stopped has no word of the server about it.
  const seconds = (performance.now() - first) / 1000;
  node.stats = { tokens: node.usage?.completion_tokens ?? pieces, rate: rate || (first && pieces > 1 ? (pieces - 1) / seconds : 0), wait: first ? (first - begun) / 1000 : 0, ...looked };
  if (turn === asked) {
    running = null;
    busy(false);
  }
  if (owner !== conversation)
    return;
  save();
  show();
  say(node.error ? `The answer failed: ${node.error}` : node.finish === 'stopped' ? 'Stopped.' : node.finish === 'length' ? 'The answer was cut at its longest.' : node.calls?.length ? 'The model calls a tool.' : 'The answer is complete.', Boolean(node.error));
}

function headers() {
  return { 'Content-Type': 'application/json', ...options.key ? { Authorization: `Bearer ${options.key}` } : {} };
}

async function reason(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `the server answered with status ${response.status}`;
  }
}

// The JSON of server-sent events, and what comments say of pictures that are being read.
async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let held = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done)
      return;
    const lines = (held + value).split('\n');
    held = lines.pop();
    for (const line of lines)
      if (line.startsWith('data: {'))
        yield JSON.parse(line.slice(6));
      else if (line.startsWith(': reading images, '))
        yield { reading: parseInt(line.slice(18), 10) };
  }
}

function stop() {
  running?.abort();
}

// ---- Showing ---------------------------------------------------------------------------------------------------------------------------

function element(name, className, ...children) {
  const node = document.createElement(name);
  if (className)
    node.className = className;
  node.append(...children);
  return node;
}

function button(text, label, act, className = 'small') {
  const node = element('button', className, text);
  node.type = 'button';
  node.setAttribute('aria-label', label);
  node.title = label;
  node.addEventListener('click', act);
  return node;
}

function show() {
  const near = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 80;
  const shown = path();
  messages.replaceChildren(...shown.map(message));
  $('welcome').hidden = shown.length > 0;
  messages.hidden = shown.length === 0;
  if (near || running)
    messages.scrollTop = messages.scrollHeight;
  fill();
}

function refresh(at) {
  const near = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 80;
  messages.querySelector(`[data-at="${at}"]`)?.replaceWith(message(at));
  if (near)
    messages.scrollTop = messages.scrollHeight;
}

function message(at) {
  const node = conversation.nodes[at];
  const isLast = path().at(-1) === at, isWriting = isLast && running !== null && node.role === 'assistant';
  const body = element('div', 'body');
  if (node.role === 'assistant')
    body.append(render(node.text));
  else if (node.role === 'tool')
    body.append(element('div', 'call result', element('strong', '', `Result of ${node.callName ?? 'the call'}`), element('pre', '', node.text)));
  else
    body.append(...node.images ? [element('div', 'pictures', ...node.images.map(picture))] : [], node.text);
  for (const call of node.calls ?? [])
    body.append(element('div', 'call', element('strong', '', `Calls ${call.name}`), element('pre', '', pretty(call.arguments))));
  if (node.calls?.length && isLast && !running)
    body.append(results(at));
  if (node.error)
    body.append(element('p', '', node.error));
  const isEmpty = node.role === 'assistant' && !node.text && !node.calls && !node.error;
  if (isEmpty && isWriting && reading !== null)
    body.append(readingState());
  else
    body.classList.toggle('waiting', isWriting);
  if (isEmpty && !isWriting)
    body.append(element('p', 'faint', node.finish === 'stopped' ? 'Stopped before the first word.' : node.stats ? 'An empty answer.' : 'The page was left before the first word.'));

  const bar = element('div', 'bar');
  const versions = siblings(at);
  if (versions.length > 1) {
    const now = versions.indexOf(at);
    const go = step => () => {
      choose(versions[now + step]);
      save();
      show();
    };
    const back = button('‹', 'Earlier version', go(-1)), forth = button('›', 'Later version', go(1));
    back.disabled = running !== null || now === 0;
    forth.disabled = running !== null || now === versions.length - 1;
    bar.append(back, `${now + 1}/${versions.length}`, forth);
  }
  if (!isWriting) {
    if (node.role === 'user')
      bar.append(button('Edit', 'Edit this message', () => edit(at)));
    if (node.role === 'assistant')
      bar.append(button('Regenerate', 'Write this answer again', () => running || answer(node.parent)));
    if (node.text)
      bar.append(button('Copy', 'Copy this message', () => navigator.clipboard?.writeText(node.text)));
  }
  if (node.stats)
    bar.append(element('span', 'stats', [`${node.stats.tokens} tokens`, node.stats.looked ? `${node.stats.pictures > 1 ? `${node.stats.pictures} pictures` : 'picture'} read in ${node.stats.looked.toFixed(1)} s` : '', node.stats.rate ? `${node.stats.rate.toFixed(node.stats.rate < 100 ? 1 : 0)} tokens/s` : '', node.stats.wait ? `first after ${node.stats.wait.toFixed(2)} s` : '', node.finish === 'stopped' ? 'stopped' : node.finish === 'length' ? 'cut at the limit' : ''].filter(Boolean).join(' · ')));
  const whole = element('article', `message ${node.role}${node.error ? ' error' : ''}`, body, bar);
  whole.dataset.at = at;
  whole.setAttribute('aria-label', { user: 'You', assistant: 'Model', tool: 'Tool' }[node.role]);
  whole.setAttribute('aria-busy', String(isWriting));
  return whole;
}

function readingState() {
  const many = path().flatMap(at => conversation.nodes[at].images ?? []).length > 1;
  const bar = element('progress');
  bar.max = 100;
  bar.value = reading;
  bar.setAttribute('aria-label', 'How much is read');
  return element('p', 'reading', `Reading the picture${many ? 's' : ''}`, bar, `${reading} %`);
}

function picture(id, number) {
  const url = images.url(id);
  if (!url)
    return element('p', 'faint', 'The picture is no longer kept.');
  const shown = element('img', 'picture');
  shown.src = url;
  shown.alt = `Picture ${number + 1}`;
  return shown;
}

function pretty(json) {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}

// Asks for what the called tools returned.
function results(at) {
  const node = conversation.nodes[at];
  const fields = node.calls.map(call => {
    const field = element('textarea');
    field.rows = 2;
    field.setAttribute('aria-label', `Result of ${call.name}`);
    field.placeholder = `Result of ${call.name}`;
    return field;
  });
  return element('div', 'edit', ...fields, element('div', '', button('Send result', 'Send what the tools returned', () => {
    let parent = at;
    node.calls.forEach((call, i) => parent = add(parent, { role: 'tool', text: fields[i].value, callId: call.id, callName: call.name }));
    answer(parent);
  }, '')));
}

function edit(at) {
  const node = conversation.nodes[at];
  const field = element('textarea');
  field.value = node.text;
  field.rows = Math.min(10, node.text.split('\n').length + 1);
  field.setAttribute('aria-label', 'Edited message');
  const done = () => {
    if (!running && (field.value.trim() !== '' || node.images))
      answer(add(node.parent, { role: 'user', text: field.value, ...node.images ? { images: node.images } : {} }));
  };
  field.addEventListener('keydown', e => {
    if (isSend(e)) {
      e.preventDefault();
      done();
    } else if (e.key === 'Escape') {
      e.stopPropagation();
      show();
    }
  });
  const editor = element('div', 'edit', field, element('div', '', button('Cancel', 'Leave the message as it is', show, ''), button('Send', 'Send the edited message', done, '')));
  messages.querySelector(`[data-at="${at}"] .body`).replaceWith(editor);
  field.focus();
}

function fill() {
  const last = path().map(at => conversation.nodes[at].usage).filter(Boolean).at(-1);
  const size = models.find(m => m.id === model.value)?.context_length;
  $('context').hidden = !last || !size;
  if (last && size) {
    $('fill').value = last.total_tokens / size;
    $('used').textContent = `${last.total_tokens} of ${size}`;
  }
}

function showList() {
  list.replaceChildren(...read('cria.index', []).map(({ id, title }) => {
    const open = button(title || 'Conversation', title || 'Conversation', () => load(id), 'open');
    open.setAttribute('aria-current', String(id === conversation.id));
    return element('li', '', open, button('×', `Delete ${title}`, () => remove(id)));
  }));
}

function leave() {
  stop();
  save();
  asked++;
  running = null;
  busy(false);
  toggleMenu(false);
}

async function load(id) {
  leave();
  const turn = asked, kept = read(`cria.conversation.${id}`, null) ?? create();
  await images.load(pictures(kept));
  if (turn !== asked)
    return;
  conversation = kept;
  write('cria.open', conversation.id);
  showList();
  show();
  messages.scrollTop = messages.scrollHeight;
  prompt.focus();
}

function remove(id) {
  images.remove(pictures(id === conversation.id ? conversation : read(`cria.conversation.${id}`, null)));
  if (id === conversation.id) {
    stop();
    conversation = create();
    asked++;
    running = null;
    busy(false);
  }
  localStorage.removeItem(`cria.conversation.${id}`);
  write('cria.index', read('cria.index', []).filter(c => c.id !== id));
  showList();
  show();
}

function begin() {
  leave();
  conversation = create();
  write('cria.open', null);
  showList();
  show();
  prompt.focus();
}

// ---- Pictures --------------------------------------------------------------------------------------------------------------------------

const kinds = /^image\/(png|jpeg|webp|gif|bmp)$/, largest = 20e6;

const takesImages = () => models.find(m => m.id === model.value)?.input_modalities?.includes('image') ?? false;

async function attach(files) {
  if (!takesImages())
    return say('This model takes no images.', true);
  const wrong = [];
  for (const file of files) {
    if (!kinds.test(file.type))
      wrong.push(`${file.name} is no PNG, JPEG, WebP, GIF or BMP image.`);
    else if (file.size > largest)
      wrong.push(`${file.name} is larger than 20 MB.`);
    else if (!await isWhole(file))
      wrong.push(`${file.name} is damaged: it cannot be shown.`);
    else
      attached.push(images.add(await dataUrl(file)));
  }
  say(wrong.join(' '), true);
  showAttached();
  prompt.focus();
}

const isWhole = file => createImageBitmap(file).then(bitmap => {
  bitmap.close();
  return true;
}, () => false);

const dataUrl = file => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result);
  reader.onerror = () => reject(reader.error);
  reader.readAsDataURL(file);
});

function showAttached() {
  $('attached').replaceChildren(...attached.map((id, i) => element('li', '', picture(id, i), button('×', `Remove picture ${i + 1}`, () => {
    attached.splice(i, 1);
    images.remove([id]);
    showAttached();
    prompt.focus();
  }))));
}

function busy(isBusy) {
  $('send').hidden = isBusy;
  $('stop').hidden = !isBusy;
  if (isBusy)
    say('');
}

function say(text, isWrong = false) {
  $('status').textContent = text;
  $('status').classList.toggle('wrong', isWrong);
}

function toggleMenu(open) {
  document.body.classList.toggle('menu', open);
  $('menu').setAttribute('aria-expanded', String(open));
}

const themes = { auto: 'Light or dark: as the system', light: 'Light', dark: 'Dark' };

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  $('theme').textContent = { auto: '◐', light: '☀', dark: '☾' }[theme];
  $('theme').setAttribute('aria-label', themes[theme]);
  $('theme').title = themes[theme];
  write('cria.theme', theme);
}

async function loadModels() {
  const response = await fetch('v1/models', { headers: headers() }).catch(() => null);
  if (!response?.ok) {
    say(response ? await reason(response) : 'The server does not answer.', true);
    if (response?.status === 401)
      openSettings();
    return;
  }
  models = (await response.json()).data;
  model.replaceChildren(...models.map(m => new Option(m.id)));
  model.value = models.some(m => m.id === options.model) ? options.model : models[0].id;
  say('');
  fill();
  offer();
}

// What the chosen model can be given.
function offer() {
  $('attach').hidden = !takesImages();
}

function openSettings() {
  for (const field of form.elements)
    if (field.name)
      field.value = options[field.name] ?? '';
  settings.showModal();
}

// Settings that are no JSON are not taken, and why is said.
function keepSettings() {
  const given = Object.fromEntries([...form.elements].filter(f => f.name).map(f => [f.name, f.value.trim()]));
  for (const [name, what] of [['tools', 'The tools'], ['schema', 'The schema']])
    try {
      if (given[name])
        JSON.parse(given[name]);
    } catch {
      return `${what} are not JSON.`.replace('The schema are', 'The schema is');
    }
  const hadKey = options.key;
  options = { ...options, ...given };
  write('cria.settings', options);
  if (hadKey !== options.key)
    loadModels();
  return '';
}

// ---- Hearing ---------------------------------------------------------------------------------------------------------------------------

const isSend = e => e.key === 'Enter' && !e.shiftKey && !e.isComposing;
const grow = () => {
  prompt.style.height = 'auto';
  prompt.style.height = `${prompt.scrollHeight + 2}px`;
};

// What is written and not sent outlives a reload.
const keepDraft = () => {
  try {
    sessionStorage.setItem('cria.draft', prompt.value);
  } catch { /* a browser that keeps nothing */ }
};

$('composer').addEventListener('submit', e => {
  e.preventDefault();
  if (running)
    return say('An answer is being written. Stop it to send this now.');
  const text = prompt.value, chosen = attached;
  if (text.trim() === '' && chosen.length === 0)
    return;
  prompt.value = '';
  keepDraft();
  attached = [];
  showAttached();
  grow();
  send(text, chosen);
});
prompt.addEventListener('keydown', e => {
  if (isSend(e)) {
    e.preventDefault();
    $('composer').requestSubmit();
  }
});
prompt.addEventListener('input', () => {
  grow();
  keepDraft();
});
$('attach').addEventListener('click', () => $('files').click());
$('files').addEventListener('change', () => {
  attach([...$('files').files]);
  $('files').value = '';
});
document.addEventListener('paste', e => {
  if (e.clipboardData?.files.length && !settings.open) {
    e.preventDefault();
    attach([...e.clipboardData.files]);
  }
});
// A file that is dropped beside must not replace the page.
const hasFiles = e => e.dataTransfer?.types.includes('Files');
for (const [type, isOver] of [['dragover', true], ['dragleave', false], ['drop', false]])
  document.addEventListener(type, e => {
    if (!hasFiles(e))
      return;
    e.preventDefault();
    document.body.classList.toggle('dropping', isOver && takesImages());
    if (type === 'drop')
      attach([...e.dataTransfer.files]);
  });
document.addEventListener('keydown', e => {
  if (e.key === 'Escape' && !settings.open) {
    stop();
    toggleMenu(false);
  } else if (e.altKey && e.key.toLowerCase() === 'n') {
    e.preventDefault();
    begin();
  }
});
$('stop').addEventListener('click', stop);
$('new').addEventListener('click', begin);
$('menu').addEventListener('click', () => toggleMenu(!document.body.classList.contains('menu')));
$('shade').addEventListener('click', () => toggleMenu(false));
$('theme').addEventListener('click', () => setTheme({ auto: 'light', light: 'dark', dark: 'auto' }[document.documentElement.dataset.theme]));
$('settings-open').addEventListener('click', openSettings);
form.addEventListener('submit', e => {
  const wrong = keepSettings();
  $('settings-error').textContent = wrong;
  if (wrong)
    e.preventDefault();
});
settings.addEventListener('cancel', e => keepSettings() && e.preventDefault());
model.addEventListener('change', () => {
  options.model = model.value;
  write('cria.settings', options);
  fill();
  offer();
});
addEventListener('pagehide', save);

setTheme(read('cria.theme', 'auto'));
try {
  prompt.value = sessionStorage.getItem('cria.draft') ?? '';
  grow();
} catch { /* a browser that keeps nothing */ }
conversation = read(`cria.conversation.${read('cria.open', '') || read('cria.index', [])[0]?.id}`, null) ?? conversation;
await images.load(pictures(conversation));
showList();
show();
messages.scrollTop = messages.scrollHeight;
loadModels();
