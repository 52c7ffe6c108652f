class Solution {
    public Map<String, Integer> histogram(String test) {
        Map<String, Integer> counts = new HashMap<>();
        for (String word : test.split(" ")) {
            if (!word.isEmpty()) counts.merge(word, 1, Integer::sum);
        }
        int most = counts.values().stream().mapToInt(Integer::intValue).max().orElse(0);
        counts.values().removeIf(count -> count < most);
        return counts;
    }
}
