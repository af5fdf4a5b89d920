/** GraphQL documents and JSON bodies that are made to take much, or to confuse. Text only; who sends them is not known. */

const times = (count: number, make: (index: number) => string, separator = ' ') =>
  Array.from({ length: count }, (_, i) => make(i)).join(separator);

const nest = (depth: number, open: string, inner: string, close = '}') =>
  open.repeat(depth) + inner + close.repeat(depth);

/** Documents by what is wrong with them. */
export function hostileDocuments(): [string, string][] {
  const documents: [string, string][] = [];
  const add = (what: string, document: string) => documents.push([what, document]);
  for (const depth of [15, 40, 200, 700, 900]) {
    add(`${depth} fields deep`, `{ ${nest(depth, 'viewer { ', 'role')} }`);
    add(`${depth} nodes deep`, `{ predictions { edges { node { ${nest(depth, 'network { ', 'id')} } } } }`);
    add(`${depth} inline fragments deep`, `{ ${nest(depth, '... { ', '__typename')} }`);
    add(`${depth} typed fragments deep`, `{ ${nest(depth, '... on Query { ', '__typename')} }`);
    add(`${depth} lists deep`, `{ datasets(filter: { name: ${nest(depth, '[', '"x"', ']')} }) { edges { cursor } } }`);
    add(`${depth} objects deep`, `{ datasets(filter: ${nest(depth, '{ a: ', '1')}) { edges { cursor } } }`);
    add(`${depth} types of introspection deep`, `{ __schema { types { ${nest(depth, 'ofType { ', 'name')} } } }`);
    add(`${depth} types of a variable deep`, `query ($x: ${nest(depth, '[', 'Int', ']')}) { viewer { role } }`);
    add(`${depth} open brackets`, '{ viewer '.repeat(depth));
  }
  for (const count of [31, 100, 400, 900]) {
    add(`${count} aliases`, `{ ${times(count, (i) => `a${i}: viewer { role }`)} }`);
    add(`${count} aliases of a list`, `{ ${times(count, (i) => `a${i}: datasets(first: 100) { edges { cursor } }`)} }`);
    add(`${count} times the same field`, `{ ${times(count, () => 'viewer { role }')} }`);
    add(`${count} fields of one name that differ`, `{ ${times(count, (i) => `x: node(id: "${i}") { id }`)} }`);
    add(`${count} directives`, `{ viewer ${times(count, () => '@include(if: true)')} { role } }`);
    add(`${count} unknown directives`, `{ viewer ${times(count, (i) => `@d${i}`)} { role } }`);
    add(
      `${count} operations`,
      times(count, (i) => `query Q${i} { viewer { role } }`),
    );
    add(
      `${count} operations without names`,
      times(count, () => '{ viewer { role } }'),
    );
    add(`${count} variables`, `query (${times(count, (i) => `$v${i}: Int`)}) { viewer { role } }`);
    add(`${count} unknown fields`, `{ ${times(count, (i) => `f${i}`)} }`);
    add(`${count} unused fragments`, `{ viewer { role } } ${times(count, (i) => `fragment F${i} on Viewer { role }`)}`);
    const ring = (i: number) => `fragment F${i} on Query { ...F${(i + 1) % count} }`;
    add(`${count} fragments in a ring`, `{ ...F0 } ${times(count, ring)}`);
    const chain = (i: number) => `fragment F${i} on Query { ${i + 1 < count ? `...F${i + 1}` : '__typename'} }`;
    add(`${count} fragments in a chain`, `{ ...F0 } ${times(count, chain)}`);
  }
  for (const levels of [10, 20, 30, 60, 100]) {
    const last = (i: number) => i + 1 === levels;
    const twice = (i: number) => `fragment F${i} on Query { ${last(i) ? '__typename' : `...F${i + 1} ...F${i + 1}`} }`;
    add(`${levels} fragments, each twice the next`, `{ ...F0 } ${times(levels, twice)}`);
    const asType = (i: number) =>
      `fragment F${i} on Query { ${last(i) ? '__typename' : `... { ...F${i + 1} } ... { ...F${i + 1} }`} }`;
    add(`${levels} fragments, each twice the next, inline`, `{ ...F0 } ${times(levels, asType)}`);
    const aliased = (i: number) =>
      `fragment F${i} on Predictor { ${last(i) ? 'id' : `a: scenario { id } ...F${i + 1} ...F${i + 1}`} }`;
    add(`${levels} fragments with fields`, `{ predictors { edges { node { ...F0 } } } } ${times(levels, aliased)}`);
    const nested = (i: number) => `fragment F${i} on Query { viewer { role } ${last(i) ? '' : `...F${i + 1}`} ...F0 }`;
    add(`${levels} fragments, each back to the first`, `{ ...F0 } ${times(levels, nested)}`);
  }
  add('a fragment of itself', '{ ...F } fragment F on Query { ...F }');
  add(
    'a fragment of itself below a field',
    '{ viewer { ...F } } fragment F on Viewer { team { ...G } } fragment G on Team { ...G }',
  );
  add('two fragments of each other', '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }');
  add(
    'introspection of everything of everything',
    `{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }`,
  );
  for (const text of [
    '',
    ' ',
    '\ufeff{ viewer { role } }',
    '#',
    '{',
    '}',
    '{}',
    '"',
    '"""',
    '{ viewer(',
    '\u0000',
    '{ viewer\u0000 { role } }',
    '{ \u202e }',
    '{ node(id: "\\ud800") { id } }',
    '{ node(id: "\\u0000") { id } }',
    '{ node(id: "\\u{110000}") { id } }',
    '{ datasets(first: 1e999) { edges { cursor } } }',
    '{ datasets(first: 99999999999999999999) { edges { cursor } } }',
    '{ datasets(first: -1) { edges { cursor } } }',
    '{ datasets(filter: null) { edges { cursor } } }',
    'type Query { x: Int }',
    'extend type Query { x: Int }',
    'schema { query: Query }',
    'subscription { trainingProgress(versionId: "x") { status } }',
    '{ __proto__ }',
    '{ constructor }',
    '{ hasOwnProperty: viewer { role } __proto__: viewer { role } }',
    'query __proto__ { viewer { role } }',
    '{ node(id: "x") { ... on Person { passwordHash } } }',
    '{ viewer { person { passwordHash } apiKey { secretSha256 } } }',
    'mutation { a: createTeam }',
    'query ($__proto__: Int) { viewer { role } }',
    '{ datasets(filter: { __proto__: { name: "x" } }) { edges { cursor } } }',
  ]) {
    add(`document ${JSON.stringify(text.slice(0, 60))}`, text);
  }
  return documents;
}

/** Bodies of requests that are not `{"query": ...}`. */
export function hostileBodies(): [string, string | Buffer][] {
  const query = '"query":"{ viewer { role } }"';
  const texts = [
    '',
    ' ',
    'null',
    'true',
    '1',
    '"x"',
    '[]',
    '{}',
    '[[]]',
    '{',
    '[',
    '{"query"',
    `{${query}`,
    `{${query},}`,
    `{'query':'{ viewer { role } }'}`,
    `[{${query}},{${query}}]`,
    `[${`{${query}},`.repeat(500)}{${query}}]`,
    '{"query":null}',
    '{"query":1}',
    '{"query":[]}',
    '{"query":{}}',
    '{"query":["{ viewer { role } }"]}',
    `{${query},"variables":"x"}`,
    `{${query},"variables":[1]}`,
    `{${query},"variables":1}`,
    `{${query},"operationName":{}}`,
    `{${query},"operationName":"nope"}`,
    `{${query},"extensions":"x"}`,
    `{${query},"extensions":{"persistedQuery":1}}`,
    `{${query},"extensions":{"persistedQuery":{"version":1,"sha256Hash":{}}}}`,
    `{${query},"extensions":{"persistedQuery":{"version":9,"sha256Hash":"x"}}}`,
    '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"x"}}}',
    `{${query},"__proto__":{"polluted":true}}`,
    `{${query},"constructor":{"prototype":{"polluted":true}}}`,
    `{${query},"variables":{"__proto__":{"polluted":true}}}`,
    `{${query},"variables":{"constructor":{"prototype":{"polluted":true}}}}`,
    `{"__proto__":{${query}}}`,
    `{${query},"variables":{"a":{"__proto__":{"x":1}}}}`,
    `{${query},${query}}`,
    `{${query},"variables":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`,
    `{${query},"variables":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    `{${query},"variables":{${times(5000, (i) => `"v${i}":${i}`, ',')}}}`,
    `{${query},"variables":{"x":1e99999}}`,
    `{${query},"variables":{"x":${'9'.repeat(100_000)}}}`,
    `{"query":${JSON.stringify('#'.repeat(900_000))}}`,
    `{"query":${JSON.stringify(`{ ${'viewer { role } '.repeat(50_000)} }`)}}`,
    `{"query":${JSON.stringify('"'.repeat(500_000))}}`,
    `{"query":${JSON.stringify(`{ node(id: "${'x'.repeat(900_000)}") { id } }`)}}`,
    `{"query":${JSON.stringify('{'.repeat(900_000))}}`,
    `{"query":${JSON.stringify('\\'.repeat(200_000))}}`,
  ];
  const bytes = [
    [0xff],
    [0xfe, 0xff],
    [0xc3, 0x28],
    [0xed, 0xa0, 0x80],
    [0xf8, 0x88, 0x80, 0x80, 0x80],
    [0xc0, 0xaf],
    [0xf4, 0x90, 0x80, 0x80],
    [0x00],
    [0x80],
  ];
  return [
    ...texts.map((text): [string, string] => [`body ${text.slice(0, 60)}`, text]),
    ...bytes.flatMap((wrong): [string, Buffer][] => [
      [
        `bytes ${wrong} in a document`,
        Buffer.concat([Buffer.from('{"query":"{ viewer '), Buffer.from(wrong), Buffer.from(' { role } }"}')]),
      ],
      [
        `bytes ${wrong} in a text`,
        Buffer.concat([Buffer.from('{"query":"{ node(id: \\"'), Buffer.from(wrong), Buffer.from('\\") { id } }"}')]),
      ],
      [`bytes ${wrong} before JSON`, Buffer.concat([Buffer.from(wrong), Buffer.from(`{${query}}`)])],
    ]),
  ];
}

/** Texts for every argument that takes one. */
export const HOSTILE_TEXTS: readonly string[] = [
  "'; DROP TABLE person; --",
  "' OR '1'='1",
  '" OR ""="',
  '1; SELECT pg_sleep(10)',
  "'||(SELECT version())||'",
  '$1',
  '%s%n',
  "\\'; --",
  "') UNION SELECT null,null --",
  '../../../../etc/passwd',
  '..\\..\\windows\\system32',
  '/dev/zero',
  'file:///etc/passwd',
  'http://169.254.169.254/latest/meta-data',
  '%2e%2e%2f',
  'a\u0000b',
  '\u0000',
  '\ud800',
  'x\udc00y',
  '\u202eoverride',
  '\ufeff',
  '\r\nSet-Cookie: a=b',
  '<script>alert(1)</script>',
  '$(id)',
  '{{7*7}}',
  '__proto__',
  'constructor',
  'toString',
  '',
  ' ',
  'x'.repeat(300),
  'x'.repeat(100_000),
  '\u{1f4a3}'.repeat(1000),
  'a\u0301'.repeat(5000),
  '-1',
  'NaN',
  '1e999',
  'null',
  'true',
  '[]',
  '{"$gt":""}',
  'VGVhbTp4',
  '*',
];
