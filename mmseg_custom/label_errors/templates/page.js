'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const KEYS = { w: 'wrong', r: 'right', u: 'unsure' };
const PANELS = ['image', 'label', 'suggestion', 'difference'];
const STORE = `label errors ${data.title}`;
const at = id => document.getElementById(id);
const verdicts = { ...data.verdicts, ...stored() };
let current = null;

function stored() {
  try { return JSON.parse(localStorage.getItem(STORE)) || {}; } catch { return {}; } // A page from disk may have no store.
}

function make(tag, text, attributes = {}) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

function panels(one) {
  const row = make('div', undefined, { class: 'panels' });
  for (const kind of PANELS) {
    const figure = make('figure');
    const [width, height] = one.size;
    figure.append(make('img', undefined, { src: `${one.crop}_${kind}.jpg`, alt: kind, loading: 'lazy', width, height }));
    figure.append(make('figcaption', kind));
    row.append(figure);
  }
  return row;
}

function card(one) {
  const node = make('article');
  node.append(make('b', one.heading), make('div', one.detail, { class: 'quiet' }), panels(one));
  node.onclick = () => choose(node, false);
  if (!one.key) return node;
  node.dataset.key = one.key;
  const row = make('div', undefined, { class: 'verdicts' });
  for (const [letter, name] of Object.entries(KEYS)) {
    const button = make('button', name, { type: 'button', title: letter, 'data-name': name });
    button.onclick = event => { event.stopPropagation(); choose(node, false); judge(node, name); };
    row.append(button);
  }
  node.append(row);
  paint(node);
  return node;
}

function paint(node) {
  const verdict = verdicts[node.dataset.key] || '';
  node.dataset.verdict = verdict;
  for (const button of node.querySelectorAll('.verdicts button')) button.setAttribute('aria-pressed', button.dataset.name === verdict);
}

function judge(node, verdict) {
  if (verdict) verdicts[node.dataset.key] = verdict; else delete verdicts[node.dataset.key];
  try { localStorage.setItem(STORE, JSON.stringify(verdicts)); } catch { /* The file is what counts. */ }
  paint(node);
  progress();
}

function progress() {
  const said = data.components.map(one => verdicts[one.key]).filter(Boolean);
  const counts = Object.values(KEYS).map(name => `${said.filter(one => one === name).length} ${name}`);
  at('progress').textContent = `${said.length} of ${data.components.length} judged: ${counts.join(', ')}`;
}

function choose(node, scroll = true) {
  if (!node) return;
  if (current) current.classList.remove('current');
  current = node;
  node.classList.add('current');
  if (scroll) node.scrollIntoView({ block: 'nearest' });
}

function show() {
  const components = at('what').value === 'components';
  const open = one => !at('open').checked || !verdicts[one.key];
  const ofPair = one => !at('pair').value || one.pair === at('pair').value;
  const shown = components ? data.components.filter(one => ofPair(one) && open(one)) : data.images;
  current = null;
  at('list').replaceChildren(...shown.map(card));
  choose(at('list').firstElementChild, false);
}

document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || ['SELECT', 'INPUT'].includes(event.target.tagName) || !current) return;
  const move = { j: 'nextElementSibling', k: 'previousElementSibling' }[event.key];
  if (move) choose(current[move]);
  else if (current.dataset.key && (KEYS[event.key] || event.key === 'x')) {
    judge(current, KEYS[event.key]);
    if (KEYS[event.key]) choose(current.nextElementSibling);
  }
});

at('save').onclick = () => {
  const text = JSON.stringify({ verdicts }, null, 1);
  const link = make('a', undefined, { download: 'verdicts.json', href: URL.createObjectURL(new Blob([text], { type: 'application/json' })) });
  link.click();
  URL.revokeObjectURL(link.href);
};

const pairs = new Map();
for (const one of data.components) pairs.set(one.pair, (pairs.get(one.pair) || 0) + 1);
at('pair').append(make('option', 'all', { value: '' }));
for (const [pair, count] of [...pairs].sort((a, b) => b[1] - a[1])) at('pair').append(make('option', `${pair} (${count})`, { value: pair }));
for (const id of ['what', 'pair', 'open']) at(id).onchange = () => { show(); at(id).blur(); };
at('controls').onsubmit = event => event.preventDefault();
at('title').textContent = data.title;
at('facts').textContent = data.facts;
document.title = data.title;
progress();
show();
