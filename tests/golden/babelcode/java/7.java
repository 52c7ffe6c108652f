class Solution {
    public ArrayList<String> filterBySubstring(ArrayList<String> strings, String substring) {
        strings.removeIf(s -> !s.contains(substring));
        return strings;
    }
}
