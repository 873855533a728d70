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

function panels(one, node) {
  const row = make('div', undefined, { class: 'panels' });
  for (const kind of PANELS) {
    const figure = make('figure');
    figure.onclick = event => { event.stopPropagation(); choose(node, false); look(kind); };
    const [width, height] = one.size;
    figure.append(make('img', undefined, { src: `${one.crop}_${kind}.jpg`, alt: kind, loading: 'lazy', width, height }));
    figure.append(make('figcaption', kind));
    row.append(figure);
  }
  return row;
}

function card(one) {
  const node = make('article');
  node.append(make('b', one.heading), make('div', one.detail, { class: 'quiet' }), panels(one, node));
  node.onclick = () => choose(node, false);
  node.item = one;
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
  const items = data[at('what').value];
  const said = items.map(one => verdicts[one.key]).filter(Boolean);
  const counts = Object.values(KEYS).map(name => `${said.filter(one => one === name).length} ${name}`);
  at('progress').textContent = `${said.length} of ${items.length} judged: ${counts.join(', ')}`;
}

function choose(node, scroll = true) {
  if (!node) return;
  if (current) current.classList.remove('current');
  current = node;
  node.classList.add('current');
  if (scroll) node.scrollIntoView({ block: 'nearest' });
  if (at('viewer').open) fill();
}

// The viewer: two pictures of a place upon each other, the one left of the slider and the other right of it.
const place = { scale: 1, x: 0, y: 0 };

function look(kind = 'suggestion') {
  if (!current) return;
  at('left').value = kind === 'image' ? 'image' : 'label';
  at('right').value = ['image', 'label'].includes(kind) ? 'suggestion' : kind;
  at('viewer').showModal();
  fill();
}

function fill() {
  Object.assign(place, { scale: 1, x: 0, y: 0 });
  for (const [img, side] of [['under', 'right'], ['over', 'left']]) at(img).src = `${current.item.crop}_${at(side).value}.jpg`;
  const said = verdicts[current.item.key];
  at('caption').textContent = `${current.item.heading} ${current.item.detail}${said ? `; judged: ${said}` : ''}`;
  arrange();
}

function arrange() {
  const { width, height } = at('stage').getBoundingClientRect();
  place.x = Math.min(0, Math.max(place.x, width * (1 - place.scale)));
  place.y = Math.min(0, Math.max(place.y, height * (1 - place.scale)));
  for (const img of [at('under'), at('over')]) img.style.transform = `translate(${place.x}px, ${place.y}px) scale(${place.scale})`;
  const edge = (width * at('wipe').value / 100 - place.x) / place.scale; // Where the slider is, in the picture's own pixels.
  at('over').style.clipPath = `inset(0 ${Math.max(0, width - edge)}px 0 0)`;
}

function zoom(factor, x, y) {
  const box = at('stage').getBoundingClientRect();
  const [left, top] = [(x ?? box.left + box.width / 2) - box.left, (y ?? box.top + box.height / 2) - box.top];
  const scale = Math.min(16, Math.max(1, place.scale * factor));
  place.x = left - (left - place.x) * scale / place.scale;
  place.y = top - (top - place.y) * scale / place.scale;
  place.scale = scale;
  arrange();
}

const fingers = new Map();

function drag(event) {
  const before = fingers.get(event.pointerId);
  if (!before) return;
  const others = [...fingers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
  if (others.length) {
    const apart = point => Math.hypot(point.clientX - others[0].clientX, point.clientY - others[0].clientY);
    zoom(apart(event) / Math.max(1, apart(before)), (event.clientX + others[0].clientX) / 2, (event.clientY + others[0].clientY) / 2);
  } else {
    place.x += event.clientX - before.clientX;
    place.y += event.clientY - before.clientY;
    arrange();
  }
  fingers.set(event.pointerId, event);
}

for (const side of ['left', 'right']) {
  for (const kind of PANELS) at(side).append(make('option', kind, { value: kind }));
  at(side).onchange = () => { const kept = { ...place }; fill(); Object.assign(place, kept); arrange(); at(side).blur(); };
}
at('wipe').oninput = arrange;
at('in').onclick = () => zoom(1.5);
at('out').onclick = () => zoom(1 / 1.5);
at('close').onclick = () => at('viewer').close();
at('viewer').onclose = () => { if (current) current.scrollIntoView({ block: 'nearest' }); };
at('stage').onwheel = event => { event.preventDefault(); zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, event.clientX, event.clientY); };
at('stage').onpointerdown = event => { at('stage').setPointerCapture(event.pointerId); fingers.set(event.pointerId, event); };
at('stage').onpointermove = drag;
for (const end of ['onpointerup', 'onpointercancel']) at('stage')[end] = event => fingers.delete(event.pointerId);
addEventListener('resize', () => { if (at('viewer').open) arrange(); });

function show() {
  const components = at('what').value === 'components';
  const open = one => !at('open').checked || !verdicts[one.key];
  const ofPair = one => !at('pair').value || one.pair === at('pair').value;
  const chosen = one => one.pixels >= (Number(at('least').value) || 0) && (!at('group').value || one.group === at('group').value);
  const shown = (components ? data.components.filter(ofPair) : data.images).filter(open).filter(chosen);
  current = null;
  progress();
  at('list').replaceChildren(...shown.map(card));
  choose(at('list').firstElementChild, false);
}

document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || !current) return;
  if (event.target.matches('select, input[type=number]')) return;
  if (event.key === 'z') return at('viewer').open ? at('viewer').close() : look();
  if (at('viewer').open && ['+', '-'].includes(event.key)) return zoom(event.key === '+' ? 1.5 : 1 / 1.5);
  const move = { j: 'nextElementSibling', k: 'previousElementSibling' }[event.key];
  if (move) choose(current[move]);
  else if (KEYS[event.key] || event.key === 'x') {
    judge(current, KEYS[event.key]);
    if (KEYS[event.key]) choose(current.nextElementSibling);
    else if (at('viewer').open) fill();
  }
});

at('save').onclick = () => {
  const text = JSON.stringify({ verdicts }, null, 1);
  const link = make('a', undefined, { download: 'verdicts.json', href: URL.createObjectURL(new Blob([text], { type: 'application/json' })) });
  link.click();
  URL.revokeObjectURL(link.href);
};

function offer(select, values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) || 0) + 1);
  at(select).append(make('option', 'all', { value: '' }));
  for (const [value, count] of [...counts].sort((a, b) => b[1] - a[1])) at(select).append(make('option', `${value} (${count})`, { value }));
  return counts.size;
}

offer('pair', data.components.map(one => one.pair));
at('grouped').hidden = offer('group', data.components.map(one => one.group)) < 2;
for (const id of ['what', 'pair', 'group', 'least', 'open']) at(id).onchange = () => { show(); at(id).blur(); };
at('controls').onsubmit = event => event.preventDefault();
at('title').textContent = data.title;
at('facts').textContent = data.facts;
document.title = data.title;
show();
