vector<string> separateParenGroups(string paren_string) {
    vector<string> groups;
    string group;
    int depth = 0;
    for (char c : paren_string) {
        if (c != '(' && c != ')') continue;
        group += c;
        depth += c == '(' ? 1 : -1;
        if (depth == 0) {
            groups.push_back(group);
            group.clear();
        }
    }
    return groups;
}
