class Solution {
    public ArrayList<String> wordsString(String s) {
        ArrayList<String> words = new ArrayList<>();
        for (String word : s.split("[, ]+")) {
            if (!word.isEmpty()) words.add(word);
        }
        return words;
    }
}
