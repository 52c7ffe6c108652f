class Solution {
    public ArrayList<String> separateParenGroups(String paren_string) {
        ArrayList<String> groups = new ArrayList<>();
        StringBuilder group = new StringBuilder();
        int depth = 0;
        for (char c : paren_string.toCharArray()) {
            if (c != '(' && c != ')') continue;
            group.append(c);
            depth += c == '(' ? 1 : -1;
            if (depth == 0) {
                groups.add(group.toString());
                group.setLength(0);
            }
        }
        return groups;
    }
}
