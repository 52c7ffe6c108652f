class Solution {
    public String intersection(ArrayList<Integer> interval1, ArrayList<Integer> interval2) {
        int length = Math.min(interval1.get(1), interval2.get(1)) - Math.max(interval1.get(0), interval2.get(0));
        if (length < 2) return "NO";
        for (int i = 2; i < length; i++) {
            if (length % i == 0) return "NO";
        }
        return "YES";
    }
}
