function parseNestedParens(text) {
  const depth = (group) => {
    let level = 0;
    let deepest = 0;
    for (const letter of group) {
      if (letter === "(") {
        level += 1;
        deepest = Math.max(level, deepest);
      } else {
        level -= 1;
      }
    }
    return deepest;
  };
  return text.split(" ").filter((group) => group).map(depth);
}

function histogram(words) {
  const counts = new Map();
  for (const word of words.split(" ")) {
    if (word) {
      counts.set(word, (counts.get(word) || 0) + 1);
    }
  }
  const most = Math.max(0, ...counts.values());
  return new Map([...counts].filter(([, count]) => count === most));
}

function encode(value) {
  if (value instanceof Map) {
    return { map: [...value].map(([key, item]) => [encode(key), encode(item)]) };
  }
  if (value instanceof Set) {
    return { set: [...value].map(encode) };
  }
  if (Array.isArray(value)) {
    return value.map(encode);
  }
  return value;
}

function report(index, call, ...values) {
  let told;
  try {
    told = "value " + JSON.stringify(encode(call(...values)));
  } catch (error) {
    told = "raised " + error.constructor.name;
  }
  require("fs").writeSync(1, `\nSALT ${index} ${told}\n`);
}

report(0, parseNestedParens, "(()()) ((())) () ((())()())");
report(1, parseNestedParens, "() (()) ((())) (((())))");
report(2, parseNestedParens, "(()(())((())))");
report(3, histogram, "a b c a");
report(4, histogram, "a b b a");
report(5, histogram, "");
