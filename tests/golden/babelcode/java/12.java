class Solution {
    public String longest(ArrayList<String> strings) {
        String best = "";
        for (String s : strings) {
            if (s.length() > best.length()) best = s;
        }
        return best;
    }
}
