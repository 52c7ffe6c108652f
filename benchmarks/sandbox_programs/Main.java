import java.util.*;
import java.util.concurrent.Callable;
import java.util.stream.*;

class Solution {
    public ArrayList<Integer> parseNestedParens(String text) {
        ArrayList<Integer> found = new ArrayList<>();
        for (String group : text.split(" ")) {
            if (group.isEmpty()) {
                continue;
            }
            int level = 0, deepest = 0;
            for (char letter : group.toCharArray()) {
                if (letter == '(') {
                    level++;
                    deepest = Math.max(level, deepest);
                } else {
                    level--;
                }
            }
            found.add(deepest);
        }
        return found;
    }

    public Map<String, Integer> histogram(String words) {
        Map<String, Integer> counts = new HashMap<>();
        for (String word : words.split(" ")) {
            if (!word.isEmpty()) {
                counts.merge(word, 1, Integer::sum);
            }
        }
        int most = counts.values().stream().mapToInt(count -> count).max().orElse(0);
        counts.values().removeIf(count -> count != most);
        return counts;
    }
}

public class Main {
    static String encode(Object value) {
        if (value instanceof Map<?, ?> map) {
            return map.entrySet().stream()
                .map(entry -> "[" + encode(entry.getKey()) + "," + encode(entry.getValue()) + "]")
                .collect(Collectors.joining(",", "[", "]"));
        }
        if (value instanceof Collection<?> many) {
            return many.stream().map(Main::encode).collect(Collectors.joining(",", "[", "]"));
        }
        return value instanceof String ? "\"" + value + "\"" : String.valueOf(value);
    }

    static void report(int index, Callable<Object> call) {
        String told;
        try {
            told = "value " + encode(call.call());
        } catch (Throwable error) {
            told = "raised " + error.getClass().getSimpleName();
        }
        System.out.print("\nSALT " + index + " " + told + "\n");
        System.out.flush();
    }

    public static void main(String[] arguments) {
        report(0, () -> new Solution().parseNestedParens("(()()) ((())) () ((())()())"));
        report(1, () -> new Solution().parseNestedParens("() (()) ((())) (((())))"));
        report(2, () -> new Solution().parseNestedParens("(()(())((())))"));
        report(3, () -> new Solution().histogram("a b c a"));
        report(4, () -> new Solution().histogram("a b b a"));
        report(5, () -> new Solution().histogram(""));
    }
}
