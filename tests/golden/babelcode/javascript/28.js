function concatenate(strings) {
    return strings.join('');
}
