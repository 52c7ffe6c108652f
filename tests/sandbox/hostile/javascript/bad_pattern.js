// expected: out of time
/^(a+)+$/.test("a".repeat(60) + "!");
