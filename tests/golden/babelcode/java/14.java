class Solution {
    public ArrayList<String> allPrefixes(String string_arg0) {
        ArrayList<String> prefixes = new ArrayList<>();
        for (int i = 1; i <= string_arg0.length(); i++) {
            prefixes.add(string_arg0.substring(0, i));
        }
        return prefixes;
    }
}
