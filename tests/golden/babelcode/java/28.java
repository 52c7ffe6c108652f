class Solution {
    public String concatenate(ArrayList<String> strings) {
        return String.join("", strings);
    }
}
