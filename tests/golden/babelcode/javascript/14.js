function allPrefixes(string_arg0) {
    const prefixes = [];
    for (let end = 1; end <= string_arg0.length; end++) {
        prefixes.push(string_arg0.slice(0, end));
    }
    return prefixes;
}
