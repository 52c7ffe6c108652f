function separateParenGroups(paren_string) {
    const groups = [];
    let depth = 0;
    let group = '';
    for (const each of paren_string) {
        if (each === ' ') {
            continue;
        }
        group += each;
        depth += each === '(' ? 1 : -1;
        if (depth === 0) {
            groups.push(group);
            group = '';
        }
    }
    return groups;
}
