function longest(strings) {
    let found = '';
    for (const each of strings) {
        if (each.length > found.length) {
            found = each;
        }
    }
    return found;
}
